{{- define "gvDetails" -}}
{{ .Doc }}

Each file begins with `apiVersion: {{ .GroupVersionString }}` and its `kind`: {{ range $i, $kind := .SortedKinds }}{{ if $i }}, {{ end }}{{ $.TypeForKind $kind | markdownRenderTypeLink }}{{ end }}. How a program finds its file, follows it and shows what is in force: [configuration](configuration.md).
{{ range .SortedKinds }}{{ template "type" $.TypeForKind . }}{{ end }}
{{- range .SortedTypes }}{{ if not .GVK }}{{ template "type" . }}{{ end }}{{ end }}
{{- end -}}
