import { baseUrlOf, type Environment, type Fault } from './environment.ts'

export interface TracesConfig {
  /** Without the signal's own path, as OpenTelemetry has it. */
  readonly endpoint: string
  /** May hold a key; never logged. */
  readonly headers: Readonly<Record<string, string>>
  readonly serviceName: string
  /** 0 to 1. */
  readonly sampledShare: number
  /** Whether a client's trace is recorded because its `traceparent` says so. */
  readonly trustsClients: boolean
  /** How often spans are sent. */
  readonly exportEveryMs: number
  /** A collector that needs longer loses the batch; retries are within this. */
  readonly exportTimeoutMs: number
}

/** OpenTelemetry, "OTLP Exporter Configuration" and "Environment Variable Specification". */
export function readTraces(sound: Environment, fault: Fault): TracesConfig | undefined {
  const given = sound.OTEL_EXPORTER_OTLP_ENDPOINT
  const endpoint = given === undefined ? undefined : baseUrlOf(given)
  if (given !== undefined && endpoint === undefined) {
    fault('OTEL_EXPORTER_OTLP_ENDPOINT', 'must be a URL without a query, a user or a password')
  }
  const headers = (sound.OTEL_EXPORTER_OTLP_HEADERS ?? '').split(',').flatMap((pair) => {
    const [name = '', ...value] = pair.split('=')
    const decoded = percentDecoded(value.join('=').trim())
    if (decoded === undefined) fault('OTEL_EXPORTER_OTLP_HEADERS', 'must have its values percent-encoded')
    return name.trim() === '' ? [] : [[name.trim(), decoded ?? '']]
  })
  if (endpoint === undefined) return undefined
  return {
    endpoint,
    headers: Object.fromEntries(headers),
    serviceName: sound.OTEL_SERVICE_NAME ?? 'mcp-message-center-server',
    sampledShare: Number(sound.OTEL_TRACES_SAMPLER_ARG ?? 1),
    trustsClients: sound.OTEL_TRACES_SAMPLER === 'parentbased_traceidratio',
    exportEveryMs: 5_000,
    exportTimeoutMs: 5_000,
  }
}

/** Undefined where it cannot be decoded, or is none that a header may hold (RFC 9110 section 5.5). */
function percentDecoded(text: string): string | undefined {
  try {
    const decoded = decodeURIComponent(text)
    return /^[\t\x20-\x7e]*$/.test(decoded) ? decoded : undefined
  } catch {
    return undefined
  }
}
