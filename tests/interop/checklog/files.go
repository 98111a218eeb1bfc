package main

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

// files are those of a log, by their path below its prefix.
type files map[string][]byte

// load reads a folder, or the tar file that `release log export` writes.
func load(source string) (files, error) {
	info, err := os.Stat(source)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return loadFolder(source)
	}
	return loadTar(source)
}

func loadFolder(top string) (files, error) {
	found := files{}
	return found, filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if !entry.Type().IsRegular() {
			return fmt.Errorf("%s is not a regular file", path)
		}
		body, err := os.ReadFile(path)
		found[strings.TrimPrefix(filepath.ToSlash(path), filepath.ToSlash(top)+"/")] = body
		return err
	})
}

func loadTar(source string) (files, error) {
	stream, err := os.Open(source)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	found := files{}
	for archive := tar.NewReader(stream); ; {
		header, err := archive.Next()
		if err == io.EOF {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		if header.Typeflag != tar.TypeReg || found[header.Name] != nil {
			return nil, fmt.Errorf("%s is not a regular file, or there twice", header.Name)
		}
		if found[header.Name], err = io.ReadAll(archive); err != nil {
			return nil, err
		}
	}
}

func (f files) must(path string) ([]byte, error) {
	body, ok := f[path]
	if !ok {
		return nil, fmt.Errorf("%s is missing", path)
	}
	return body, nil
}

// path gives a tile's path as https://c2sp.org/tlog-tiles has it. Go's own names the height and calls bundles "data".
func path(tile tlog.Tile) string {
	rest := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", height))
	if tile.L < 0 {
		return "tile/entries/" + strings.TrimPrefix(rest, "data/")
	}
	return "tile/" + rest
}

// Height, ReadTiles and SaveTiles make files a tlog.TileReader.
func (f files) Height() int { return height }

func (f files) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var bodies [][]byte
	for _, tile := range tiles {
		body, err := f.must(path(tile))
		if err != nil {
			return nil, err
		}
		if len(body) != tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s has %d bytes", path(tile), len(body))
		}
		bodies = append(bodies, body)
	}
	return bodies, nil
}

func (f files) SaveTiles([]tlog.Tile, [][]byte) {}

// entries splits the bundles of a log: each entry has its length before it, as a big-endian uint16.
func (f files) entries(size int64) ([][]byte, error) {
	var found [][]byte
	for start := int64(0); start < size; start += 1 << height {
		width := size - start
		if width > 1<<height {
			width = 1 << height
		}
		where := path(tlog.Tile{H: height, L: -1, N: start >> height, W: int(width)})
		body, err := f.must(where)
		if err != nil {
			return nil, err
		}
		for ; width > 0; width-- {
			if len(body) < 2 || len(body) < 2+int(body[0])<<8+int(body[1]) {
				return nil, fmt.Errorf("%s is cut off", where)
			}
			end := 2 + int(body[0])<<8 + int(body[1])
			found, body = append(found, body[2:end]), body[end:]
		}
		if len(body) > 0 {
			return nil, fmt.Errorf("%s has %d bytes too many", where, len(body))
		}
	}
	return found, nil
}
