// Package apitable compares what a package exports with a table of what the original exports.
package apitable

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A row of the table: what the original exports.
type row struct{ pkg, kind, of, name, signature string }

func (r row) key() string {
	name := r.name
	if r.of != "" {
		name = r.of + "." + name
	}
	return r.pkg + " " + r.kind + " " + name
}

// Compare compares each row of a table with what the packages in these directories export: name, kind, and signature, type or value.
// Directories are by the names that the table has for packages; exceptions are rows that are not as in the original, each with its reason.
// A table with fewer rows than atLeast is not the table.
func Compare(t *testing.T, table string, directories, exceptions map[string]string, atLeast int) {
	ours := map[string]string{}
	for pkg, directory := range directories {
		for _, row := range exported(t, pkg, directory) {
			ours[row.key()] = row.signature
		}
	}
	content, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	rows := strings.Split(strings.TrimSpace(string(content)), "\n")[1:]
	for _, line := range rows {
		column := strings.Split(line, "\t")
		want := row{column[0], column[1], column[2], column[3], column[4]}
		signature, found := ours[want.key()]
		same := found && sameSignature(want, signature)
		if _, excepted := exceptions[want.key()]; excepted {
			used[want.key()] = true
			if same {
				t.Errorf("%s is as in the original: no exception", want.key())
			}
			continue
		}
		switch {
		case !found:
			t.Errorf("%s is missing", want.key())
		case !same:
			t.Errorf("%s is %q, in the original %q", want.key(), signature, want.signature)
		}
	}
	for key := range exceptions {
		if !used[key] {
			t.Errorf("exception %s is of no row", key)
		}
	}
	if len(rows) < atLeast {
		t.Errorf("only %d rows", len(rows))
	}
}

// sameSignature compares what both tables say, but for the members of maps, which have tests of their own.
func sameSignature(want row, signature string) bool {
	a, b := compact(want.signature), compact(signature)
	switch want.kind {
	case "type struct", "type interface":
		return true
	case "var", "const":
		if strings.HasPrefix(a, "=map[") {
			return strings.HasPrefix(b, a[:strings.Index(a, "{")])
		}
		// Ours may name constants where the original writes numbers, and the reverse.
	}
	return a == b
}

// compact returns a text without what lays it out: the table has a semicolon between lines.
func compact(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(s, " ; ", " ")), "")
}

func text(files *token.FileSet, node any) string {
	var out bytes.Buffer
	_ = printer.Fprint(&out, files, node)
	return out.String()
}

// exported lists what a package exports, in the table's form.
func exported(t *testing.T, pkg, directory string) []row {
	names, err := filepath.Glob(filepath.Join(directory, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []row
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range file.Decls {
			switch d := declaration.(type) {
			case *ast.FuncDecl:
				rows = append(rows, function(files, pkg, d)...)
			case *ast.GenDecl:
				var kind ast.Expr // of the last constant that has one: those that follow without a value have it, too
				for _, spec := range d.Specs {
					if value, ok := spec.(*ast.ValueSpec); ok && d.Tok == token.CONST {
						if value.Type != nil || value.Values != nil {
							kind = value.Type
						}
						value.Type = kind
					}
					rows = append(rows, declared(files, pkg, d.Tok, spec)...)
				}
			}
		}
	}
	return rows
}

func function(files *token.FileSet, pkg string, d *ast.FuncDecl) []row {
	if !d.Name.IsExported() {
		return nil
	}
	signature := strings.TrimPrefix(text(files, d.Type), "func")
	if d.Recv == nil {
		return []row{{pkg, "func", "", d.Name.Name, "func " + d.Name.Name + signature}}
	}
	return []row{{pkg, "method", text(files, d.Recv.List[0].Type), d.Name.Name, d.Name.Name + signature}}
}

func declared(files *token.FileSet, pkg string, keyword token.Token, spec ast.Spec) []row {
	switch s := spec.(type) {
	case *ast.ValueSpec:
		var rows []row
		for i, name := range s.Names {
			if !name.IsExported() {
				continue
			}
			signature := ""
			if s.Type != nil {
				signature = text(files, s.Type)
			}
			if i < len(s.Values) {
				signature += " = " + text(files, s.Values[i])
			}
			rows = append(rows, row{pkg, keyword.String(), "", name.Name, signature})
		}
		return rows
	case *ast.TypeSpec:
		if !s.Name.IsExported() {
			return nil
		}
		return typeRows(files, pkg, s)
	}
	return nil
}

func typeRows(files *token.FileSet, pkg string, s *ast.TypeSpec) []row {
	name := s.Name.Name
	switch body := s.Type.(type) {
	case *ast.StructType:
		rows := []row{{pkg, "type struct", "", name, "struct"}}
		for _, field := range body.Fields.List {
			kind := text(files, field.Type)
			if field.Names == nil {
				rows = append(rows, row{pkg, "field (embedded)", name, kind, kind})
			}
			for _, fieldName := range field.Names {
				if fieldName.IsExported() {
					rows = append(rows, row{pkg, "field", name, fieldName.Name, kind})
				}
			}
		}
		return rows
	case *ast.InterfaceType:
		rows := []row{{pkg, "type interface", "", name, "interface"}}
		for _, method := range body.Methods.List {
			for _, methodName := range method.Names {
				signature := strings.TrimPrefix(text(files, method.Type), "func")
				rows = append(rows, row{pkg, "iface method", name, methodName.Name, methodName.Name + signature})
			}
		}
		return rows
	default:
		return []row{{pkg, "type", "", name, text(files, s.Type)}}
	}
}
