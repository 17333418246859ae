import type { Call } from './calls.ts'

/** What became of a call: a correct response, one that must never be sent, or a failure of some kind. */
export type Verdict =
  | { readonly kind: 'correct' }
  | { readonly kind: 'wrong'; readonly reason: string }
  | { readonly kind: 'failed'; readonly error: string }

export interface HttpResponse {
  readonly status: number
  readonly text: string
  readonly hasRetryAfter: boolean
}

/** In structured content, and with its quotes escaped in the text copy of it. */
const readers = /reader\\*":\s*\\*"([^"\\]{1,64})/g
const reasonCode = /"reason":\s*"([a-z_]{1,60})"/

/**
 * Whether a response belongs to its call and to its caller.
 *
 * Texts are searched and not parsed: the generator shares its processors with what it measures.
 */
export function checkResponse(call: Call, { status, text, hasRetryAfter }: HttpResponse): Verdict {
  if (status !== 200) return { kind: 'failed', error: describeStatus(status, text, hasRetryAfter) }
  if (!text.includes(`"id":"${call.id}"`)) return { kind: 'wrong', reason: 'belongs to another call, or to none' }
  const other = call.user.reader === undefined ? undefined : findOtherReader(text, call.user.reader)
  if (other !== undefined) return { kind: 'wrong', reason: `was read as ${other}` }
  if (call.lacks !== undefined && text.includes(call.lacks)) {
    return { kind: 'wrong', reason: 'holds what only others may read' }
  }
  if (text.includes('"isError":true')) return { kind: 'failed', error: `tool error ${findReason(text)}` }
  if (text.includes('"error":{"code"')) return { kind: 'failed', error: `JSON-RPC error ${findReason(text)}` }
  if (!text.includes(call.expects)) return { kind: 'wrong', reason: `lacks ${call.expects}` }
  if (call.hasPosts && call.user.reader !== undefined && !text.includes(call.user.reader)) {
    return { kind: 'wrong', reason: 'does not say who it was read for' }
  }
  return { kind: 'correct' }
}

/** The object id of a reader other than the caller. */
function findOtherReader(text: string, own: string): string | undefined {
  for (const [, reader] of text.matchAll(readers)) if (reader !== own) return reader
  return undefined
}

/** A 429 or 503 without Retry-After is an error of its own. */
function describeStatus(status: number, text: string, hasRetryAfter: boolean): string {
  const missing = (status === 429 || status === 503) && !hasRetryAfter ? ', without Retry-After' : ''
  const code = reasonCode.exec(text)?.[1]
  return `HTTP ${status}${code === undefined ? '' : ` ${code}`}${missing}`
}

function findReason(text: string): string {
  return reasonCode.exec(text)?.[1] ?? 'without a reason'
}
