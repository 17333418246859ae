import { catalogue, entryOf, type HttpEntry, type Reason } from './catalogue.ts'
import { type Failure, failureText } from './failure.ts'

/** The HTTP side of a failure; a reason for OAuth or a tool result that ends up here is a bug: `internal`. */
export function httpError({ reason }: Failure): HttpEntry {
  const entry = entryOf(reason)
  return entry.kind === 'http' ? entry : catalogue.internal
}

/** A failure as a JSON-RPC error. A 5xx does not say why: the log does, under the same request id. */
export function jsonRpcError(failure: Failure, requestId: string, id: string | number | null = null) {
  const { retryAfterSeconds } = failure.details
  return {
    jsonrpc: '2.0' as const,
    id,
    error: {
      code: codes[failure.reason] ?? -32000,
      message: failureText(failure),
      data: {
        ...(httpError(failure).status < 500 && { reason: failure.reason }),
        ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
        requestId,
      },
    },
  }
}

/** JSON-RPC 2.0 section 5.1, with -32000 for everything that only this server defines. */
const codes: { readonly [reason in Reason]?: number } = {
  invalid_json: -32700,
  batch_not_supported: -32600,
  bad_request: -32600,
  internal: -32603,
}
