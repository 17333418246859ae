import { OperatorError } from '../shared/operator-error.ts'
import { remediationFor } from './remediation.ts'

/** What a tool says of its failure beside the text: `src/plugins/mcp/index.ts` writes it. */
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

/** An HTTP answer that is no success, as something to act on: its reason is in the JSON-RPC error that came with it. */
export async function httpRefusal(response: Response): Promise<OperatorError> {
  const { status, headers } = response
  const body = (await response.json().catch(() => undefined)) as
    | { error?: { message?: string; data?: { reason?: string; requestId?: string } | null } | null }
    | null
    | undefined
  const { message, data } = body?.error ?? {}
  const id = data?.requestId ?? headers.get('x-request-id')
  const parts = [
    `The server answered ${status}${data?.reason === undefined ? '' : ` ${data.reason}`}.`,
    message,
    id && `(request id ${id})`,
  ]
  const wait = headers.get('retry-after') ?? ''
  // As the Azure CLI takes them.
  const claims = /\bclaims="([\w+/=-]+)"/.exec(headers.get('www-authenticate') ?? '')?.[1]
  const hints = [
    remediationFor(data?.reason, status),
    /^\d{1,6}$/.test(wait) && `Retry after ${wait} s.`,
    claims && `With the Azure CLI: az login --claims-challenge ${claims}`,
  ]
  return new OperatorError(parts.filter(Boolean).join(' ').slice(0, 1_000), hints.filter(Boolean).join(' '))
}

/** A tool's own error, as something to act on; undefined for a result. */
export function toolRefusal(tool: string, { isError, content, _meta }: ToolResult): OperatorError | undefined {
  if (isError !== true) return undefined
  const text = content.find(({ type }) => type === 'text')?.text ?? 'It does not say why.'
  const { reason, retryable, retryAfterSeconds }: ToolErrorMeta = _meta?.['mcp-message-center-server/error'] ?? {}
  const hint =
    retryAfterSeconds !== undefined
      ? ` Retry after ${retryAfterSeconds} s.`
      : retryable
        ? ' The same call may succeed later.'
        : ''
  return new OperatorError(`${tool} failed: ${text}`.slice(0, 2_000), `${remediationFor(reason)}${hint}`)
}
