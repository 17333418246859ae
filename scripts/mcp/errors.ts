import { OperatorError } from '../shared/operator-error.ts'
import { remediationFor } from './remediation.ts'

/** The `_meta` of a tool error, which `src/plugins/mcp/index.ts` writes. */
interface ToolErrorMeta {
  readonly reason?: string
  readonly retryable?: boolean
  readonly retryAfterSeconds?: number
}

export interface ToolResult {
  readonly isError?: boolean | undefined
  readonly content: readonly { readonly type: string; readonly text?: string }[]
  readonly structuredContent?: Readonly<Record<string, unknown>> | undefined
  readonly _meta?: Readonly<Record<string, unknown>> | undefined
}

/** The error for an HTTP response that is not successful; its reason is in the JSON-RPC error of the body. */
export async function httpError(response: Response): Promise<OperatorError> {
  const { status, headers } = response
  const body = (await response.json().catch(() => undefined)) as
    | { error?: { message?: string; data?: { reason?: string; requestId?: string } | null } | null }
    | null
    | undefined
  const { message, data } = body?.error ?? {}
  const id = data?.requestId ?? headers.get('x-request-id')
  const parts = [
    `The server responded with ${status}${data?.reason === undefined ? '' : ` ${data.reason}`}.`,
    message,
    id && `(request id ${id})`,
  ]
  const wait = headers.get('retry-after') ?? ''
  // In base64, as the Azure CLI takes it.
  const claims = /\bclaims="([\w+/=-]+)"/.exec(headers.get('www-authenticate') ?? '')?.[1]
  const hints = [remediationFor(data?.reason, status), /^\d{1,6}$/.test(wait) && `Retry after ${wait} s.`]
  return new OperatorError(parts.filter(Boolean).join(' ').slice(0, 1_000), hints.filter(Boolean).join(' '), {
    code: data?.reason ?? `http_${status}`,
    ...(claims !== undefined && { details: { claims } }),
  })
}

/** The error of a tool result; undefined for a success. */
export function toolError(tool: string, { isError, content, _meta }: ToolResult): OperatorError | undefined {
  if (isError !== true) return undefined
  const text = content.find(({ type }) => type === 'text')?.text ?? 'No error text.'
  const { reason, retryable, retryAfterSeconds }: ToolErrorMeta = _meta?.['mcp-message-center-server/error'] ?? {}
  const hint =
    retryAfterSeconds !== undefined
      ? ` Retry after ${retryAfterSeconds} s.`
      : retryable
        ? ' The same call may succeed later.'
        : ''
  return new OperatorError(`${tool} failed: ${text}`.slice(0, 2_000), `${remediationFor(reason)}${hint}`, {
    code: reason ?? 'tool_error',
  })
}
