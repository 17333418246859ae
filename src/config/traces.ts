import { baseUrlOf, type Environment, type Report } from './environment.ts'

export type TracesConfig = NonNullable<ReturnType<typeof readTraces>>

/**
 * Settings of traces and of their collector.
 * Source: OpenTelemetry, "OTLP Exporter Configuration" and "Environment Variable Specification".
 */
export function readTraces(valid: Environment, report: Report) {
  const given = valid.OTEL_EXPORTER_OTLP_ENDPOINT
  const endpoint = given === undefined ? undefined : baseUrlOf(given)
  if (given !== undefined && endpoint === undefined) {
    report('OTEL_EXPORTER_OTLP_ENDPOINT', 'invalid', 'must be a URL without a query, a user or a password')
  }
  const headers = (valid.OTEL_EXPORTER_OTLP_HEADERS ?? '').split(',').flatMap((pair) => {
    const [name = '', ...value] = pair.split('=')
    const decoded = percentDecoded(value.join('=').trim())
    if (decoded === undefined) report('OTEL_EXPORTER_OTLP_HEADERS', 'invalid', 'must have percent-encoded values')
    return name.trim() === '' ? [] : [[name.trim(), decoded ?? '']]
  })
  if (endpoint === undefined) return undefined
  return {
    /** Without the signal's own path, as OpenTelemetry has it. */
    endpoint,
    /** May hold a key; never logged. */
    headers: Object.fromEntries(headers) as Record<string, string>,
    serviceName: valid.OTEL_SERVICE_NAME ?? 'mcp-message-center-server',
    /** 0 to 1. */
    sampledShare: Number(valid.OTEL_TRACES_SAMPLER_ARG ?? 1),
    /** Whether a client's trace is recorded because its `traceparent` says so. */
    trustsClients: valid.OTEL_TRACES_SAMPLER === 'parentbased_traceidratio',
    /** How often spans are sent. */
    exportEveryMs: 5_000,
    /** Of one batch, retries included; then it is dropped. */
    exportTimeoutMs: 5_000,
  }
}

/** Undefined where it cannot be decoded, or is not a valid header value (RFC 9110 section 5.5). */
function percentDecoded(text: string): string | undefined {
  try {
    const decoded = decodeURIComponent(text)
    return /^[\t\x20-\x7e]*$/.test(decoded) ? decoded : undefined
  } catch {
    return undefined
  }
}
