// Package directory keeps one file for each packet: what the file store and the file queue have in common.
package directory

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	folderPermissions = 0o770
	// Temporary is the end of the names of files that are being written.
	Temporary = ".tmp"
	// Corrupt is the end of the names of files that were found to be no packets.
	Corrupt = ".CORRUPT"
)

// Files are those of a directory whose names begin with a prefix and end with an extension.
type Files struct {
	Path, Prefix, Extension string

	mu   sync.Mutex
	last time.Time // the time of the newest file that this program wrote
}

// Open makes the directory if there is none. It returns an error if files cannot be written to it and read back.
func Open(path, prefix, extension string) (*Files, error) {
	if extension != "" && extension[0] != '.' {
		extension = "." + extension
	}
	if err := os.MkdirAll(path, folderPermissions); err != nil {
		return nil, fmt.Errorf("cannot make the directory: %w", err)
	}
	probe, err := os.CreateTemp(path, prefix+"TEST*"+extension+Temporary)
	if err != nil {
		return nil, fmt.Errorf("cannot write to the directory: %w", err)
	}
	name := probe.Name()
	defer os.Remove(name)
	_, err = probe.WriteString("test")
	if closeErr := probe.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, fmt.Errorf("cannot write to the directory: %w", err)
	}
	if _, err := os.ReadFile(name); err != nil {
		return nil, fmt.Errorf("cannot read what was written to the directory: %w", err)
	}
	return &Files{Path: path, Prefix: prefix, Extension: extension}, nil
}

// Name returns the path of the file whose name has that middle.
func (f *Files) Name(middle string) string {
	return filepath.Join(f.Path, f.Prefix+middle+f.Extension)
}

// Write gives the file of that middle what write writes. Readers see the old file, or none, until all of it is there. If synced, it is on the
// disk before Write returns. Files are ordered by their time, which is later for each one written.
func (f *Files) Write(middle string, synced bool, write func(io.Writer) error) error {
	name := f.Name(middle)
	file, err := os.CreateTemp(f.Path, filepath.Base(name)+"-*"+Temporary)
	if err != nil {
		return err
	}
	err = write(file)
	if err == nil {
		err = f.setTime(file.Name())
	}
	if err == nil && synced {
		err = file.Sync()
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(file.Name(), name)
	}
	if err != nil {
		_ = os.Remove(file.Name())
	}
	return err
}

// setTime dates the file now, or just after the file before it: the clock of file systems is too coarse to keep the order.
func (f *Files) setTime(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if !now.After(f.last) {
		now = f.last.Add(time.Microsecond)
	}
	f.last = now
	return os.Chtimes(name, now, now)
}

// List returns the middles of the names of the files, the oldest first.
func (f *Files) List() ([]string, error) {
	entries, err := os.ReadDir(f.Path)
	if err != nil {
		return nil, err
	}
	type dated struct {
		middle string
		time   time.Time
	}
	var found []dated
	for _, entry := range entries {
		middle, begins := strings.CutPrefix(entry.Name(), f.Prefix)
		middle, ends := strings.CutSuffix(middle, f.Extension)
		if !begins || !ends || entry.IsDir() || strings.HasSuffix(entry.Name(), Temporary) || strings.HasSuffix(entry.Name(), Corrupt) {
			continue
		}
		info, err := entry.Info()
		if os.IsNotExist(err) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		found = append(found, dated{middle, info.ModTime()})
	}
	slices.SortStableFunc(found, func(a, b dated) int { return a.time.Compare(b.time) })
	middles := make([]string, len(found))
	for i, file := range found {
		middles[i] = file.middle
	}
	return middles, nil
}
