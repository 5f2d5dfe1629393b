// The oracle: what client-go's own jsonpath says.
//
// It reads JSON lines {"template": …, "document": "<JSON text>"} and prints one JSON line for each:
//
//	{"ok": true, "text": …}   or   {"ok": false, "error": …}
//
// once with the document decoded as kubectl decodes it (integers stay integers), and under
// "stdlib" as encoding/json decodes it (every number a float64), as Karmada does. Missing keys are
// errors. The document travels as text, so that its numbers arrive here as they were written.
package main

import (
	"bufio"
	stdjson "encoding/json"
	"fmt"
	"os"
	"strings"

	k8sjson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/util/jsonpath"
)

type question struct {
	Template string `json:"template"`
	Document string `json:"document"`
}

type answer struct {
	OK    bool   `json:"ok"`
	Text  string `json:"text,omitempty"`
	Error string `json:"error,omitempty"`
}

type line struct {
	answer
	Stdlib answer `json:"stdlib"`
}

func render(template string, document any) (result answer) {
	defer func() {
		if cause := recover(); cause != nil {
			result = answer{Error: fmt.Sprintf("panic: %v", cause)}
		}
	}()
	path := jsonpath.New("oracle").AllowMissingKeys(false)
	if err := path.Parse(template); err != nil {
		return answer{Error: "parse: " + err.Error()}
	}
	var text strings.Builder
	if err := path.Execute(&text, document); err != nil {
		return answer{Error: "execute: " + err.Error()}
	}
	return answer{OK: true, Text: text.String()}
}

func decoded(text string, decode func([]byte, any) error) (document any) {
	if err := decode([]byte(text), &document); err != nil {
		panic(err)
	}
	return document
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	out := bufio.NewWriter(os.Stdout)
	encoder := stdjson.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for lines.Scan() {
		var asked question
		if err := stdjson.Unmarshal(lines.Bytes(), &asked); err != nil {
			panic(err)
		}
		kubectl := render(asked.Template, decoded(asked.Document, func(raw []byte, into any) error {
			return k8sjson.Unmarshal(raw, into.(*any))
		}))
		stdlib := render(asked.Template, decoded(asked.Document, stdjson.Unmarshal))
		if err := encoder.Encode(line{answer: kubectl, Stdlib: stdlib}); err != nil {
			panic(err)
		}
		if err := out.Flush(); err != nil {
			panic(err)
		}
	}
	if err := lines.Err(); err != nil {
		panic(err)
	}
}
