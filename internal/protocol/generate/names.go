package main

import (
	"strings"
	"unicode"
)

// renamed are fields whose Go name would be that of a method.
var renamed = map[string]string{"FindCoordinatorRequest.Key": "CoordinatorKey", "ClientQuotaRecord.Key": "QuotaKey"}

// goName makes a schema's name a Go name: a capital first, ID and IDs for Id and Ids.
func goName(name string) string {
	runes := []rune(name)
	runes[0] = unicode.ToUpper(runes[0])
	for i := 0; i+1 < len(runes); i++ {
		if runes[i] != 'I' || runes[i+1] != 'd' {
			continue
		}
		rest := string(runes[i+2:])
		rest = strings.TrimPrefix(rest, "s")
		if rest == "" || !unicode.IsLower([]rune(rest)[0]) {
			runes[i+1] = 'D'
		}
	}
	return string(runes)
}

// structName names a struct of a message: the message's name in front, without saying the API's name twice.
func structName(message, name string) string {
	message, name = goName(message), goName(name)
	if strings.HasPrefix(name, message) {
		return name
	}
	if rest, ok := strings.CutPrefix(name, apiName(message)); ok && rest != "" && unicode.IsUpper([]rune(rest)[0]) {
		return message + rest
	}
	return message + name
}

// apiName is a message's name without what kind of message it is.
func apiName(message string) string {
	for _, kind := range []string{"Request", "Response", "Key", "Value"} {
		if name, ok := strings.CutSuffix(message, kind); ok {
			return name
		}
	}
	return message
}

// fileName is the file that a message is generated into: requests share it with their response, keys with their value.
func fileName(spec messageSpec) string {
	name := snake(spec.Name)
	switch spec.Type {
	case "request", "response":
		name = snake(apiName(spec.Name))
	case "coordinator-key", "coordinator-value":
		name = snake(apiName(spec.Name)) + "_record"
	}
	return name + ".go"
}

// snake writes CamelCase as snake_case.
func snake(name string) string {
	var out strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if unicode.IsUpper(r) {
			afterLower := i > 0 && unicode.IsLower(runes[i-1])
			beforeLower := i > 0 && i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if afterLower || beforeLower {
				out.WriteByte('_')
			}
		}
		out.WriteRune(unicode.ToLower(r))
	}
	return out.String()
}
