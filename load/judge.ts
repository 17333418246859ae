import type { Call } from './calls.ts'

/** What came of a call: its own answer, an answer that must not be, or a failure, by its kind. */
export type Verdict =
  | { readonly kind: 'right' }
  | { readonly kind: 'wrong'; readonly why: string }
  | { readonly kind: 'failed'; readonly what: string }

export interface HttpAnswer {
  readonly status: number
  readonly text: string
  /** Whether it says when to come again. */
  readonly hasRetryAfter: boolean
}

const right: Verdict = { kind: 'right' }
/** In structured content, and with its quotes escaped in the text copy of it. */
const readers = /reader\\*":\s*\\*"([^"\\]{1,64})/g
const reason = /"reason":\s*"([a-z_]{1,60})"/

/**
 * Whether an answer is that of its call and of its caller.
 *
 * Texts are searched and not parsed: the run shares its processors with what it measures.
 */
export function judge(call: Call, { status, text, hasRetryAfter }: HttpAnswer): Verdict {
  if (status !== 200) return { kind: 'failed', what: describeStatus(status, text, hasRetryAfter) }
  if (!text.includes(`"id":"${call.id}"`)) return { kind: 'wrong', why: 'it answers another call, or none' }
  const foreign = call.user.reader === undefined ? undefined : foreignReader(text, call.user.reader)
  if (foreign !== undefined) return { kind: 'wrong', why: `it was read as ${foreign}` }
  if (text.includes('"isError":true')) return { kind: 'failed', what: `tool error ${reasonOf(text)}` }
  if (text.includes('"error":{"code"')) return { kind: 'failed', what: `JSON-RPC error ${reasonOf(text)}` }
  if (!text.includes(call.expects)) return { kind: 'wrong', why: `it lacks ${call.expects}` }
  if (call.hasPosts && call.user.reader !== undefined && !text.includes(call.user.reader)) {
    return { kind: 'wrong', why: 'it does not say who it was read for' }
  }
  return right
}

/** The object id of a reader other than the caller. */
function foreignReader(text: string, own: string): string | undefined {
  for (const [, reader] of text.matchAll(readers)) if (reader !== own) return reader
  return undefined
}

/** A refusal that says when to come again is another than one that does not. */
function describeStatus(status: number, text: string, hasRetryAfter: boolean): string {
  const patience = (status === 429 || status === 503) && !hasRetryAfter ? ', without Retry-After' : ''
  const why = reason.exec(text)?.[1]
  return `HTTP ${status}${why === undefined ? '' : ` ${why}`}${patience}`
}

function reasonOf(text: string): string {
  return reason.exec(text)?.[1] ?? 'without a reason'
}
