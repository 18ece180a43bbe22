{{- define "gvList" -}}
<!-- Made by make generate from pkg/apis/config; do not edit. -->
# Reference of configuration files
{{ range . }}
{{ template "gvDetails" . }}
{{ end }}
{{- end -}}
