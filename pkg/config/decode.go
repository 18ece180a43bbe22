// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"

	configv1alpha1 "kite.dev/kite/pkg/apis/config/v1alpha1"
)

// maxFile is more than a ConfigMap can hold.
const maxFile = 1 << 20

var (
	scheme = runtime.NewScheme()
	codecs = serializer.NewCodecFactory(scheme, serializer.EnableStrict)
)

func init() {
	utilruntime.Must(configv1alpha1.AddToScheme(scheme))
}

// Default sets the defaults of a configuration's fields that are not set.
func Default(configuration runtime.Object) { scheme.Default(configuration) }

// decode reads YAML or JSON into a configuration, strictly: a field that is not known or
// stands twice is an error, and all of them are told. The rest of such a file is read all
// the same, so that its values can be looked at. Defaults are set.
func decode[T runtime.Object](data []byte) (T, error) {
	var none T
	if err := onlyDocument(data); err != nil {
		return none, err
	}
	decoded, kind, err := codecs.UniversalDeserializer().Decode(data, nil, nil)
	if err != nil && !runtime.IsStrictDecodingError(err) {
		return none, err
	}
	configuration, ok := decoded.(T)
	if !ok {
		return none, fmt.Errorf("%s is the configuration of another program: want %s", kind.Kind, reflect.TypeFor[T]().Elem().Name())
	}
	Default(configuration)
	return configuration, err
}

// onlyDocument refuses a second document, which would not be read.
func onlyDocument(data []byte) error {
	documents := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
	count := 0
	document, err := documents.Read()
	for ; err == nil; document, err = documents.Read() {
		if len(bytes.TrimSpace(document)) > 0 {
			count++
		}
	}
	if count > 1 {
		return errors.New("has more than one document")
	}
	return nil // what is no YAML the decoder tells
}

// encode writes YAML that decode reads.
func encode(configuration runtime.Object) ([]byte, error) {
	info, _ := runtime.SerializerInfoForMediaType(codecs.SupportedMediaTypes(), runtime.ContentTypeYAML)
	return runtime.Encode(codecs.EncoderForVersion(info.Serializer, configv1alpha1.SchemeGroupVersion), configuration)
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s has more than %d bytes", path, maxFile)
	}
	return data, nil
}
