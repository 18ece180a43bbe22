// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// countKeys prints how many keys etcd holds below a prefix.
func (c *cluster) countKeys(ctx context.Context, prefix string) error {
	var answer struct {
		Count int64 `json:"count,string"`
	}
	if err := c.askEtcd(ctx, "range", prefix, &answer); err != nil {
		return err
	}
	_, err := fmt.Println(answer.Count)
	return err
}

// deleteKeys removes everything that etcd holds below a prefix.
func (c *cluster) deleteKeys(ctx context.Context, prefix string) error {
	return c.askEtcd(ctx, "deleterange", prefix, &struct{}{})
}

// askEtcd asks something about all keys with a prefix. Keys themselves are never told.
func (c *cluster) askEtcd(ctx context.Context, what, prefix string, answer any) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	end := []byte(prefix)
	end[len(end)-1]++ // etcd's way to name all keys with a prefix
	question := map[string]any{"key": []byte(prefix), "range_end": end}
	if what == "range" {
		question["count_only"] = true
	}
	body, err := json.Marshal(question)
	if err != nil {
		return err
	}
	url := "https://" + c.addr(loopback, portEtcd) + "/v3/kv/" + what
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(answer); err != nil {
		return fmt.Errorf("decode the answer of %s: %w", url, err)
	}
	return nil
}
