import type { Digest } from '../src/plugins/message-center/digest.ts'
import type { Message } from '../src/plugins/message-center/message.ts'

export interface Age {
  readonly ageSeconds?: number
  readonly stale?: boolean
}

/** What a tool returned, as the view shows it. */
export type Result =
  | ({
      readonly kind: 'messages'
      readonly messages: readonly Message[]
      readonly count: number
      readonly note?: string
    } & Age)
  | ({ readonly kind: 'message'; readonly message: Message } & Age)
  | ({ readonly kind: 'digest'; readonly digest: Digest; readonly note?: string } & Age)
  | { readonly kind: 'error'; readonly text: string; readonly link?: string }

/** As much of MCP's CallToolResult as is read here. */
export interface ToolResult {
  readonly isError?: boolean | undefined
  readonly structuredContent?: unknown
  readonly content?: readonly { readonly type: string; readonly text?: unknown }[] | undefined
  readonly _meta?: Readonly<Record<string, unknown>> | undefined
}

/** A tool's result by its shape, since not every host says which tool it called. */
export function readResult(result: ToolResult): Result {
  const text = result.content?.find(({ type }) => type === 'text')?.text
  if (result.isError) return errorOf(typeof text === 'string' ? text : '', result._meta)
  // Some hosts pass on the text alone, which says the same.
  const data = asObject(result.structuredContent) ?? asObject(parsed(text))
  if (data === undefined) return errorOf(typeof text === 'string' ? text : '')
  const age = {
    ...(typeof data['ageSeconds'] === 'number' && { ageSeconds: data['ageSeconds'] }),
    ...(data['stale'] === true && { stale: true }),
    ...(typeof data['note'] === 'string' && { note: data['note'] }),
  }
  if (Array.isArray(data['value'])) {
    const messages = data['value'].filter(isMessage)
    const count = data['@odata.count']
    return { kind: 'messages', messages, count: typeof count === 'number' ? count : messages.length, ...age }
  }
  if (asObject(data['counts']) !== undefined) return { kind: 'digest', digest: data as unknown as Digest, ...age }
  if (isMessage(data)) return { kind: 'message', message: data, ...age }
  return errorOf('')
}

/** What the server tells an agent: the reason, a sentence, and perhaps where to go. */
function errorOf(text: string, meta: Readonly<Record<string, unknown>> = {}): Result {
  const link = asObject(meta['mcp-message-center-server/error'])?.['link']
  return {
    kind: 'error',
    text: text.replace(/^[a-z_]+: /i, '') || 'The response cannot be shown.',
    ...(typeof link === 'string' && { link }),
  }
}

function isMessage(value: unknown): value is Message {
  return typeof asObject(value)?.['id'] === 'string'
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined
}

function parsed(text: unknown): unknown {
  try {
    return JSON.parse(String(text))
  } catch {
    return undefined
  }
}
