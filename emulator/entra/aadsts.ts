import { randomUUID } from 'node:crypto'
import { AADSTS, type AadstsEntry } from './aadsts-table.ts'

export interface AadstsOverrides {
  /** A claims request (a JSON string) that a new sign-in has to satisfy. */
  claims?: string | undefined
  /** Replaces the table's; `null` omits it. */
  suberror?: string | null | undefined
  status?: number | undefined
  error?: string | undefined
}

const UNLISTED: AadstsEntry = { error: 'invalid_grant', text: 'The request could not be completed.' }
const ERROR_LOOKUP = 'https://login.microsoftonline.com/error?code='

/** An Entra error: its number, and values for the `{placeholders}` of the table. */
export class AadstsError extends Error {
  readonly code: number
  readonly status: number
  readonly error: string
  readonly suberror: string | undefined
  readonly claims: string | undefined
  readonly errorUri: string | undefined

  constructor(code: number, words: Readonly<Record<string, string>> = {}, overrides: AadstsOverrides = {}) {
    const entry = AADSTS.get(code) ?? UNLISTED
    super(entry.text.replace(/\{(\w+)\}/g, (_, word: string) => words[word] ?? ''))
    this.code = code
    this.status = overrides.status ?? entry.status ?? 400
    this.error = overrides.error ?? entry.error
    this.suberror = overrides.suberror === undefined ? entry.suberror : (overrides.suberror ?? undefined)
    this.claims = overrides.claims
    this.errorUri = entry.lookup === true ? `${ERROR_LOOKUP}${code}` : undefined
  }
}

/** Details of an error, in the body, the redirect and the error page. */
export interface AadstsReport {
  description: string
  timestamp: string
  traceId: string
  correlationId: string
}

/** `nowSeconds` is epoch time; `correlationId` is the client's own request id where it sent one. */
export function reportOf(error: AadstsError, nowSeconds: number, correlationId = randomUUID() as string): AadstsReport {
  const traceId = randomUUID()
  const timestamp = `${new Date(nowSeconds * 1000).toISOString().slice(0, 19).replace('T', ' ')}Z`
  const trail = `Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${timestamp}`
  return { description: `AADSTS${error.code}: ${error.message} ${trail}`, timestamp, traceId, correlationId }
}

/**
 * The JSON body of a failed token request.
 * https://learn.microsoft.com/entra/identity-platform/reference-error-codes#handling-error-codes-in-your-application
 */
export function errorBody(error: AadstsError, report: AadstsReport) {
  return {
    error: error.error,
    error_description: report.description,
    error_codes: [error.code],
    timestamp: report.timestamp,
    trace_id: report.traceId,
    correlation_id: report.correlationId,
    ...(error.errorUri !== undefined && { error_uri: error.errorUri }),
    ...(error.suberror !== undefined && { suberror: error.suberror }),
    ...(error.claims !== undefined && { claims: error.claims }),
  }
}
