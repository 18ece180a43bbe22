{{- define "type" -}}
{{- if markdownShouldRenderType . }}
## {{ .Name }}

{{ .Doc }}
{{ if .Members }}
| field | | default |
|---|---|---|
{{ range .Members -}}
| `{{ .Name }}` {{ markdownRenderType .Type }} | {{ markdownRenderFieldDoc .Doc }} | {{ with .Default }}`{{ . }}`{{ end }} |
{{ end }}
{{- end }}
{{- end }}
{{- end -}}
