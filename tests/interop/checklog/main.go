// Checklog holds an exported release log against code that is not of this project: golang.org/x/mod/sumdb, which the
// go command itself verifies modules with, and the proof verifier of Google's certificate-transparency.
//
//	checklog log FOLDER-OR-TAR KEY-FILE
//	checklog proof PROOF ENTRY KEY-FILE
//
// It prints what it checked, or ends with 1 and says what is wrong.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/google/certificate-transparency/go/merkletree"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// report counts what was checked.
type report struct {
	Origin      string `json:"origin"`
	Size        int64  `json:"size"`
	Root        string `json:"root"`
	Inclusions  int    `json:"inclusions"`
	Signed      int    `json:"signed"`
	Consistency int    `json:"consistency"`
	Tiles       int    `json:"tiles"`
	Evidence    int    `json:"evidence"`
}

func main() {
	var done *report
	err := errors.New("usage: checklog log FOLDER-OR-TAR KEY-FILE | checklog proof PROOF ENTRY KEY-FILE")
	if len(os.Args) > 3 {
		var key note.Verifier
		if key, err = readKey(os.Args[len(os.Args)-1]); err == nil && os.Args[1] == "proof" && len(os.Args) == 5 {
			done, err = checkProof(os.Args[2], os.Args[3], key)
		} else if err == nil {
			done, err = checkLog(os.Args[2], key)
		}
	}
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(done)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "checklog:", err)
		os.Exit(1)
	}
}

func readKey(file string) (note.Verifier, error) {
	line, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return note.NewVerifier(strings.TrimSpace(string(line)))
}

func checkLog(source string, key note.Verifier) (*report, error) {
	found, err := load(source)
	if err != nil {
		return nil, err
	}
	head, err := found.checkpoint("checkpoint", key)
	if err != nil {
		return nil, err
	}
	log := &log{files: found, key: key, head: head, report: report{Origin: key.Name(), Size: head.N, Root: head.Hash.String()}}
	for _, step := range []func() error{log.root, log.tiles, log.inclusion, log.consistency, log.evidence} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return &log.report, nil
}

// checkpoint opens a signed note and reads the size and root in it.
func (f files) checkpoint(path string, key note.Verifier) (tlog.Tree, error) {
	body, err := f.must(path)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(body, note.VerifierList(key))
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("%s: %w", path, err)
	}
	for _, signature := range append(opened.Sigs, opened.UnverifiedSigs...) {
		// x/mod reads base64 with bits that nothing means: two spellings of one signature are a flipped bit, too.
		if _, err := base64.StdEncoding.Strict().DecodeString(signature.Base64); err != nil {
			return tlog.Tree{}, fmt.Errorf("%s: %w", path, err)
		}
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != key.Name() {
		return tlog.Tree{}, fmt.Errorf("%s is no checkpoint of %s", path, key.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 {
		return tlog.Tree{}, fmt.Errorf("%s: the size is %q", path, lines[1])
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

// checker is Google's verifier.
var checker = merkletree.NewMerkleVerifier(func(b []byte) []byte { sum := sha256.Sum256(b); return sum[:] })

// log is one that is being checked; reading it as a tlog.HashReader gives hashes computed from its entries.
type log struct {
	files
	key    note.Verifier
	head   tlog.Tree
	leaves [][]byte
	stored []tlog.Hash
	report report
}

// ReadHashes gives hashes that were computed from the entries alone.
func (l *log) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for at, index := range indexes {
		if index >= int64(len(l.stored)) {
			return nil, fmt.Errorf("there is no hash %d", index)
		}
		hashes[at] = l.stored[index]
	}
	return hashes, nil
}

// root recomputes the tree from the entries.
func (l *log) root() (err error) {
	if l.leaves, err = l.entries(l.head.N); err != nil {
		return err
	}
	for n, entry := range l.leaves {
		more, err := tlog.StoredHashes(int64(n), entry, l)
		if err != nil {
			return err
		}
		l.stored = append(l.stored, more...)
	}
	return l.sameRoot(l.head, "checkpoint")
}

func (l *log) sameRoot(tree tlog.Tree, where string) error {
	root, err := tlog.TreeHash(tree.N, l)
	if err == nil && root != tree.Hash {
		err = fmt.Errorf("%s has the root %v, the entries have %v", where, tree.Hash, root)
	}
	return err
}

// tiles compares every tile of the tree with what the entries amount to.
func (l *log) tiles() error {
	for _, tile := range tlog.NewTiles(height, 0, l.head.N) {
		if width := l.head.N>>(height*tile.L) - tile.N<<height; tile.W < 1<<height && int64(tile.W) < width {
			continue // of a smaller tree
		}
		expected, err := tlog.ReadTileData(tile, l)
		if err != nil {
			return err
		}
		body, err := l.must(path(tile))
		if err != nil {
			return err
		}
		if !bytes.Equal(body, expected) {
			return fmt.Errorf("%s is not what the entries amount to", path(tile))
		}
		l.report.Tiles++
	}
	return nil
}

// inclusion proves every entry from the tiles alone, as a client without the other entries would.
func (l *log) inclusion() error {
	reader := tlog.TileHashReader(l.head, l.files)
	for n, entry := range l.leaves {
		proof, err := tlog.ProveRecord(l.head.N, int64(n), reader)
		if err != nil {
			return err
		}
		if err := included(proof, l.head, int64(n), entry); err != nil {
			return err
		}
		l.report.Inclusions++
		if signed(entry, l.key) {
			l.report.Signed++
		}
	}
	return nil
}

// included asks both verifiers whether an entry is in a tree.
func included(proof tlog.RecordProof, tree tlog.Tree, index int64, entry []byte) error {
	if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry)); err != nil {
		return fmt.Errorf("entry %d: %w", index, err)
	}
	// This one counts leaves from 1.
	if err := checker.VerifyInclusionProof(index+1, tree.N, slices(proof), tree.Hash[:], entry); err != nil {
		return fmt.Errorf("entry %d: %w", index, err)
	}
	return nil
}

// consistency proves that each archived checkpoint continues the one before it, and the head the last of them.
func (l *log) consistency() error {
	reader := tlog.TileHashReader(l.head, l.files)
	before := tlog.Tree{}
	for size := int64(1); size <= l.head.N; size++ {
		where := fmt.Sprintf("checkpoints/%012d", size)
		next, err := l.checkpoint(where, l.key)
		if err != nil {
			return err
		}
		if next.N != size {
			return fmt.Errorf("%s is of %d entries", where, next.N)
		}
		if err := l.continues(before, next, reader); err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
		before = next
	}
	return l.continues(before, l.head, reader)
}

func (l *log) continues(before, next tlog.Tree, reader tlog.HashReader) error {
	if before.N == 0 {
		return l.sameRoot(next, "it")
	}
	proof, err := tlog.ProveTree(next.N, before.N, reader)
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(proof, next.N, next.Hash, before.N, before.Hash); err != nil {
		return err
	}
	l.report.Consistency++
	return checker.VerifyConsistencyProof(before.N, next.N, before.Hash[:], next.Hash[:], slices(proof))
}

// evidence compares the files that entries name by digest with their names.
func (l *log) evidence() error {
	const folder = "evidence/sha256/"
	for path, body := range l.files {
		if strings.HasPrefix(path, folder) {
			if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != strings.TrimPrefix(path, folder) {
				return fmt.Errorf("%s is not what its name says", path)
			}
			l.report.Evidence++
		}
	}
	return nil
}

func slices[Proof ~[]tlog.Hash](proof Proof) [][]byte {
	var bodies [][]byte
	for _, hash := range proof {
		bodies = append(bodies, append([]byte(nil), hash[:]...))
	}
	return bodies
}
