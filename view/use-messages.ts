import { useEffect, useState } from 'preact/hooks'
import type { Message } from '../src/plugins/message-center/message.ts'
import type { Host } from './host.ts'
import { type Result, readResult } from './result.ts'

/** Microsoft Graph's actions on the state of a message, as the tool setMessageState takes them. */
const changes = {
  markRead: { isRead: true },
  markUnread: { isRead: false },
  favorite: { isFavorited: true },
  unfavorite: { isFavorited: false },
} as const
export type Action = keyof typeof changes

/** The dates in the texts of a list's messages: on their way, there, or why not. */
export type Dates = 'loading' | 'ready' | { readonly error: string }

/** Before any date: whoever asks for milestones from then on gets all of them. */
const longAgo = '1990-01-01'
/** getMessages takes no more. */
const maxIds = 100

/** What is known of messages beyond what was delivered, and the calls that find out more. */
export function useMessages(host: Host | undefined, result: Result | undefined) {
  const [known, setKnown] = useState<ReadonlyMap<string, Partial<Message>>>(new Map())
  const [loading, setLoading] = useState<ReadonlySet<string>>(new Set())
  const [errors, setErrors] = useState<ReadonlyMap<string, string>>(new Map())
  const [dates, setDates] = useState<Dates>('ready')
  const offers = (tool: string) => host?.canCall === true && host.tools.includes(tool)

  const learn = (messages: readonly (Partial<Message> & { readonly id: string })[]) =>
    setKnown((before) => {
      const after = new Map(before)
      for (const message of messages) after.set(message.id, { ...after.get(message.id), ...message })
      return after
    })
  const setError = (id: string, text: string | undefined) =>
    setErrors((before) => {
      const after = new Map(before)
      if (text === undefined) after.delete(id)
      else after.set(id, text)
      return after
    })

  // A new result is newer than all that was known.
  useEffect(() => {
    setKnown(new Map())
    setErrors(new Map())
    setDates('ready')
    if (host === undefined || result?.kind !== 'messages' || !offers('getMessages')) return
    const ids = result.messages.filter(({ milestones }) => milestones === undefined).map(({ id }) => id)
    if (ids.length > 0) void loadDates(host, ids.slice(0, maxIds))
  }, [result, host === undefined])

  async function loadDates({ call }: Host, ids: readonly string[]) {
    setDates('loading')
    const args = { ids, top: ids.length, milestoneAfter: longAgo, count: false }
    const read = await attempt(() => call('getMessages', args))
    // Those without dates are not among what is found.
    if (read.kind === 'messages') learn(read.messages.map(({ id, milestones = [] }) => ({ id, milestones })))
    setDates(read.kind === 'error' ? { error: read.text } : 'ready')
  }

  /** Reads a message in full, unless it has been. */
  async function open(id: string, isRead: (message: Message | undefined) => boolean) {
    if (host === undefined || !offers('getMessage') || loading.has(id) || isRead(known.get(id) as Message)) return
    setLoading((before) => new Set([...before, id]))
    setError(id, undefined)
    const read = await attempt(() => host.call('getMessage', { id }))
    if (read.kind === 'message') learn([read.message])
    else setError(id, read.kind === 'error' ? read.text : 'The response cannot be shown.')
    setLoading((before) => new Set([...before].filter((one) => one !== id)))
  }

  async function mark(id: string, action: Action) {
    if (host === undefined) return
    setError(id, undefined)
    const error = await attemptAction(() => host.call('setMessageState', { ids: [id], action }))
    if (error !== undefined) return setError(id, error)
    setKnown((before) => {
      const message = before.get(id)
      const viewPoint = { ...message?.viewPoint, ...changes[action] }
      return new Map([...before, [id, { ...message, viewPoint }]])
    })
  }

  return {
    /** A message with what is known of it by now. */
    of: <Kind extends Pick<Message, 'id'>>(message: Kind): Kind & Partial<Message> => ({
      ...message,
      ...known.get(message.id),
    }),
    loading,
    errors,
    dates,
    open,
    ...(offers('getMessage') && { canOpen: true }),
    ...(offers('setMessageState') && { mark }),
  }
}
export type Messages = ReturnType<typeof useMessages>

type ToolCall = () => ReturnType<Host['call']>

async function attempt(call: ToolCall): Promise<Result> {
  try {
    return readResult(await call())
  } catch (error) {
    return { kind: 'error', text: messageOf(error) }
  }
}

/** @returns why it was not done, if so */
async function attemptAction(call: ToolCall): Promise<string | undefined> {
  try {
    const result = await call()
    if (!result.isError) return undefined
    const read = readResult(result)
    return read.kind === 'error' ? read.text : 'The change was rejected.'
  } catch (error) {
    return messageOf(error)
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
