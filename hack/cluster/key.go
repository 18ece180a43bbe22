// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
)

// countKeys prints how many keys etcd holds below a prefix.
func (c *cluster) countKeys(ctx context.Context, prefix string) error {
	var answer struct {
		Count int64 `json:"count,string"`
	}
	question := keysBelow(prefix)
	question["count_only"] = true
	if err := c.askEtcd(ctx, "range", question, &answer); err != nil {
		return err
	}
	_, err := fmt.Println(answer.Count)
	return err
}

// countHolding prints how many keys below a prefix hold a word, in their name or their value.
func (c *cluster) countHolding(ctx context.Context, prefix, word string) error {
	question := keysBelow(prefix)
	question["limit"] = 500
	for count := 0; ; {
		var page struct {
			More bool                          `json:"more"`
			KVs  []struct{ Key, Value []byte } `json:"kvs"`
		}
		if err := c.askEtcd(ctx, "range", question, &page); err != nil {
			return err
		}
		for _, kv := range page.KVs {
			if bytes.Contains(kv.Key, []byte(word)) || bytes.Contains(kv.Value, []byte(word)) {
				count++
			}
			question["key"] = slices.Concat(kv.Key, []byte{0})
		}
		if !page.More {
			_, err := fmt.Println(count)
			return err
		}
	}
}

// deleteKeys removes everything that etcd holds below a prefix.
func (c *cluster) deleteKeys(ctx context.Context, prefix string) error {
	return c.askEtcd(ctx, "deleterange", keysBelow(prefix), &struct{}{})
}

func keysBelow(prefix string) map[string]any {
	end := []byte(prefix)
	end[len(end)-1]++ // etcd's way to name all keys with a prefix
	return map[string]any{"key": []byte(prefix), "range_end": end}
}

// askEtcd puts a question to the JSON form of etcd's API. Keys and values are never shown.
func (c *cluster) askEtcd(ctx context.Context, what string, question map[string]any, answer any) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
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
