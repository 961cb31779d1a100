// SPDX-License-Identifier: Apache-2.0

// An auditor that we did not write: golang.org/x/mod sumdb/note and sumdb/tlog read a log folder of ours.
//
//	main FOLDER [OLDSIZE OLDROOT]
//
// Opens the checkpoint with FOLDER/vkey, computes the root from the entry bundles, checks FOLDER/receipt and compares its
// proof with the one that this library makes; with an older size and root (hex), proves the growth too. Prints the size.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func fail(format string, args ...interface{}) {
	must(fmt.Errorf(format, args...))
}

// The path of a tile of the library, without its height, with "entries" or a level.
func path(level string, tile tlog.Tile) string {
	parts := strings.SplitN(tile.Path(), "/", 4)
	return filepath.Join("tile", level, parts[3])
}

func read(folder, name string) []byte {
	bytes, err := os.ReadFile(filepath.Join(folder, name))
	must(err)
	return bytes
}

func hashOf(text string) (hash tlog.Hash) {
	bytes, err := base64.StdEncoding.DecodeString(text)
	must(err)
	if copy(hash[:], bytes) != len(hash) || len(bytes) != len(hash) {
		fail("not a hash: %s", text)
	}
	return hash
}

func checkpoint(folder string, text []byte) (int64, tlog.Hash) {
	verifier, err := note.NewVerifier(string(read(folder, "vkey")))
	must(err)
	opened, err := note.Open(text, note.VerifierList(verifier))
	must(err)
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() || lines[3] != "" {
		fail("not a checkpoint: %q", opened.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	return size, hashOf(lines[2])
}

// All entries, from the bundles.
func entries(folder string, size int64) (all [][]byte) {
	for n := int64(0); n*256 < size; n++ {
		width := size - n*256
		if width > 256 {
			width = 256
		}
		bundle := read(folder, path("entries", tlog.Tile{H: 8, L: 0, N: n, W: int(width)}))
		for i := int64(0); i < width; i++ {
			length := int(binary.BigEndian.Uint16(bundle))
			all = append(all, bundle[2:2+length])
			bundle = bundle[2+length:]
		}
		if len(bundle) > 0 {
			fail("bytes behind bundle %d", n)
		}
	}
	return all
}

type stored []tlog.Hash

func (s stored) ReadHashes(indexes []int64) (hashes []tlog.Hash, err error) {
	for _, i := range indexes {
		hashes = append(hashes, s[i])
	}
	return hashes, nil
}

// Every tile that a tree of this size has is the one that the library makes.
func tiles(folder string, size int64, hashes stored) {
	for level, count := 0, size; count > 0; level, count = level+1, count>>8 {
		for n := int64(0); n*256 < count; n++ {
			width := count - n*256
			if width > 256 {
				width = 256
			}
			tile := tlog.Tile{H: 8, L: level, N: n, W: int(width)}
			want, err := tlog.ReadTileData(tile, hashes)
			must(err)
			if string(read(folder, path(strconv.Itoa(level), tile))) != string(want) {
				fail("%s differs", tile.Path())
			}
		}
	}
}

func receipt(folder string, all [][]byte, hashes stored) {
	parts := strings.SplitN(string(read(folder, "receipt")), "\n\n", 2)
	lines := strings.Split(parts[0], "\n")
	if lines[0] != "c2sp.org/tlog-proof@v1" || !strings.HasPrefix(lines[1], "index ") {
		fail("not a receipt: %q", lines[:2])
	}
	index, err := strconv.ParseInt(lines[1][len("index "):], 10, 64)
	must(err)
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		proof = append(proof, hashOf(line))
	}
	size, root := checkpoint(folder, []byte(parts[1]))
	must(tlog.CheckRecord(proof, size, root, index, tlog.RecordHash(all[index])))
	made, err := tlog.ProveRecord(size, index, hashes)
	must(err)
	if fmt.Sprint(made) != fmt.Sprint(proof) {
		fail("the proofs differ: %v and %v", made, proof)
	}
}

func main() {
	folder := os.Args[1]
	size, root := checkpoint(folder, read(folder, "checkpoint"))
	all := entries(folder, size)
	var hashes stored
	for i, entry := range all {
		more, err := tlog.StoredHashes(int64(i), entry, hashes)
		must(err)
		hashes = append(hashes, more...)
	}
	computed, err := tlog.TreeHash(size, hashes)
	must(err)
	if computed != root {
		fail("root %v instead of %v", root, computed)
	}
	tiles(folder, size, hashes)
	receipt(folder, all, hashes)
	if len(os.Args) == 4 {
		old, err := strconv.ParseInt(os.Args[2], 10, 64)
		must(err)
		var oldRoot tlog.Hash
		_, err = hex.Decode(oldRoot[:], []byte(os.Args[3]))
		must(err)
		proof, err := tlog.ProveTree(size, old, hashes)
		must(err)
		must(tlog.CheckTree(proof, size, root, old, oldRoot))
		for _, hash := range proof {
			fmt.Print(hex.EncodeToString(hash[:]), " ")
		}
	}
	fmt.Println(size)
}
