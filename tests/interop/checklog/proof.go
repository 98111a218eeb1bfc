package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// checkProof proves one entry with nothing but its .tlog-proof (https://c2sp.org/tlog-proof).
func checkProof(proofFile, entryFile string, key note.Verifier) (*report, error) {
	body, err := os.ReadFile(proofFile)
	if err != nil {
		return nil, err
	}
	entry, err := os.ReadFile(entryFile)
	if err != nil {
		return nil, err
	}
	index, path, checkpoint, err := parseProof(body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", proofFile, err)
	}
	head, err := files{"checkpoint": checkpoint}.checkpoint("checkpoint", key)
	if err != nil {
		return nil, err
	}
	if err := included(path, head, index, entry); err != nil {
		return nil, err
	}
	return &report{Origin: key.Name(), Size: head.N, Root: head.Hash.String(), Inclusions: 1}, nil
}

func parseProof(body []byte) (index int64, path tlog.RecordProof, checkpoint []byte, err error) {
	top, checkpoint, _ := bytes.Cut(body, []byte("\n\n"))
	lines := strings.Split(string(top), "\n")
	if len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" || !strings.HasPrefix(lines[1], "index ") {
		return 0, nil, nil, fmt.Errorf("this is no proof")
	}
	if index, err = strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64); err != nil {
		return 0, nil, nil, err
	}
	for _, line := range lines[2:] {
		node, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(node) != tlog.HashSize {
			return 0, nil, nil, fmt.Errorf("%q is no hash", line)
		}
		var hash tlog.Hash
		copy(hash[:], node)
		path = append(path, hash)
	}
	return index, path, checkpoint, nil
}
