package patches

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// cel writes a value as CEL. Its literals hold values of one type, or dyn.
func cel(value any) string {
	switch v := value.(type) {
	case map[string]any:
		fields := make([]string, 0, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			fields = append(fields, cel(key)+": dyn("+cel(v[key])+")")
		}
		return "{" + strings.Join(fields, ", ") + "}"
	case []any:
		items := make([]string, len(v))
		for i := range v {
			items[i] = "dyn(" + cel(v[i]) + ")"
		}
		return "[" + strings.Join(items, ", ") + "]"
	case string:
		return strconv.Quote(v)
	default:
		return fmt.Sprint(v)
	}
}

// celList writes strings as a list.
func celList(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = cel(v)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// celHas returns an expression that is true where another one holds a value, and all
// that is in it. Fields that it holds besides do not count, such as those that the API
// server fills in; entries of a list do.
func celHas(at string, value any, depth int) string {
	switch v := value.(type) {
	case map[string]any:
		var all []string
		for _, key := range slices.Sorted(maps.Keys(v)) {
			child, exists := at+"."+key, "has("+at+"."+key+")"
			if !isIdentifier(key) {
				child, exists = at+"["+cel(key)+"]", cel(key)+" in "+at
			}
			all = append(all, exists, celHas(child, v[key], depth))
		}
		return strings.Join(all, " && ")
	case []any:
		all := []string{fmt.Sprintf("size(%s) == %d", at, len(v))}
		for _, entry := range v {
			x := fmt.Sprintf("x%d", depth)
			all = append(all, at+".exists("+x+", "+celHas(x, entry, depth+1)+")")
		}
		return strings.Join(all, " && ")
	default:
		return at + " == " + cel(v)
	}
}

func isIdentifier(key string) bool {
	for i, c := range key {
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return key != ""
}
