package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"golang.org/x/mod/sumdb/note"
)

const payloadType = "application/vnd.in-toto+json"

// envelope is a DSSE envelope (https://github.com/secure-systems-lab/dsse/blob/master/envelope.md).
type envelope struct {
	Payload     []byte `json:"payload"`
	PayloadType string `json:"payloadType"`
	Signatures  []struct {
		KeyID string `json:"keyid"`
		Sig   []byte `json:"sig"`
	} `json:"signatures"`
}

// signed tells whether an entry is an in-toto statement in an envelope that the log's key signed.
func signed(entry []byte, key note.Verifier) bool {
	var found envelope
	strict := json.NewDecoder(bytes.NewReader(entry))
	strict.DisallowUnknownFields()
	if strict.Decode(&found) != nil || found.PayloadType != payloadType || len(found.Signatures) != 1 {
		return false
	}
	var statement struct {
		Type string `json:"_type"`
	}
	if json.Unmarshal(found.Payload, &statement) != nil || statement.Type != "https://in-toto.io/Statement/v1" {
		return false
	}
	one := found.Signatures[0]
	// A note's verifier has the type of its signatures in its key only: what it checks is plain Ed25519 over any bytes.
	return one.KeyID == fmt.Sprintf("%08x", key.KeyHash()) && key.Verify(preAuthenticated(found), one.Sig)
}

// preAuthenticated gives what is signed (DSSE protocol.md, "Signature Definition").
func preAuthenticated(found envelope) []byte {
	head := fmt.Sprintf("DSSEv1 %d %s %d ", len(found.PayloadType), found.PayloadType, len(found.Payload))
	return append([]byte(head), found.Payload...)
}
