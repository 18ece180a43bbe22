// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package config reads the file that configures a program, follows it while the program
// runs, and shows what is in force.
//
// A file is taken whole or not at all. At start a mistake ends the program; later it is
// told, and what was in force stays.
package config
