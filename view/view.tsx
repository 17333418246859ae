import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Message } from '../src/plugins/message-center/message.ts'
import { age } from './dates.ts'
import { DigestPage } from './digest-page.tsx'
import { anything } from './filter.ts'
import type { Host } from './host.ts'
import { Glyph } from './icons.tsx'
import { MessageList } from './message-list.tsx'
import { MessagePage } from './message-page.tsx'
import { type Result, readResult } from './result.ts'
import { useMessages } from './use-messages.ts'

interface ViewProps {
  readonly host?: Host
  readonly args: Readonly<Record<string, unknown>>
  readonly result?: Result
  readonly onResult: (result: Result) => void
}

/** What one of the tools returned, and the message that is opened from it. */
export function View({ host, args, result, onResult }: ViewProps) {
  const messages = useMessages(host, result)
  const [sought, setSought] = useState(anything)
  const [isReloading, setReloading] = useState(false)
  // The messages that were opened one from another, the one that is shown last.
  const [trail, setTrail] = useState<readonly string[]>([])
  useEffect(() => {
    setTrail([])
    setSought(anything)
  }, [result])
  const base = result?.kind === 'message' ? [result.message.id] : []
  const shown = trail.at(-1) ?? base.at(-1)
  useFocus(shown, trail.length > 0)

  const today = new Date().toISOString().slice(0, 10)
  const delivered = deliveredBy(result)
  const messageOf = (id: string): Message => messages.of(delivered.find((one) => one.id === id) ?? { id })
  const onLink = (url: string) => void host?.openLink(url)

  function open(id: string) {
    setTrail([...trail, id])
    void messages.open(id, () => messageOf(id).body !== undefined)
  }
  const onOpen = messages.canOpen || delivered.some(({ url }) => url !== undefined) ? open : undefined

  async function reload() {
    const name = host?.calledTool ?? toolOf(result)
    if (host === undefined || name === undefined) return
    setReloading(true)
    try {
      onResult(readResult(await host.call(name, { ...args, fresh: true })))
    } catch (error) {
      onResult({ kind: 'error', text: error instanceof Error ? error.message : String(error) })
    }
    setReloading(false)
  }
  useEscape(trail.length > 0 ? () => setTrail(trail.slice(0, -1)) : undefined)
  const canReload = host?.canCall === true && (host.calledTool ?? toolOf(result)) !== undefined

  return (
    <main class={host?.isFullscreen ? 'view fullscreen' : 'view'} aria-busy={result === undefined || isReloading}>
      <header>
        <div class="brand" aria-hidden="true">
          <Glyph name="calendar" />
        </div>
        <div class="heading">
          <h1>{titleOf(result)}</h1>
          <p class="muted">{subtitleOf(result)}</p>
        </div>
        <div class="actions">
          {canReload && (
            <button type="button" class="quiet" disabled={isReloading} onClick={reload}>
              <Glyph name="refresh" /> {isReloading ? 'Refreshing…' : 'Refresh'}
            </button>
          )}
          {host?.toggleFullscreen !== undefined && (
            <button type="button" class="quiet" onClick={() => void host.toggleFullscreen?.()}>
              <Glyph name="fullscreen" /> {host.isFullscreen ? 'Exit full screen' : 'Full screen'}
            </button>
          )}
        </div>
      </header>
      {result !== undefined && 'stale' in result && result.stale && (
        <div class="notice stale" role="status">
          <Glyph name="warning" />
          <p>
            Microsoft Graph could not be queried. This is what was read {age(result.ageSeconds ?? 0)}; newer changes are
            missing.
          </p>
        </div>
      )}
      {page()}
    </main>
  )

  function page() {
    if (result === undefined) return <Skeleton />
    if (result.kind === 'error') {
      return (
        <div class="notice error" role="alert">
          <Glyph name="warning" />
          <p>{result.text}</p>
        </div>
      )
    }
    if (shown !== undefined) {
      return (
        <MessagePage
          key={shown}
          message={messageOf(shown)}
          isLoading={messages.loading.has(shown)}
          error={messages.errors.get(shown)}
          onMessage={messages.canOpen ? open : undefined}
          onBack={trail.length > 0 ? () => setTrail(trail.slice(0, -1)) : undefined}
          onRetry={messages.canOpen ? () => void messages.open(shown, () => false) : undefined}
          onMark={messages.mark && ((action) => void messages.mark?.(shown, action))}
          {...{ today, onLink }}
        />
      )
    }
    if (result.kind === 'digest')
      return <DigestPage {...{ digest: result.digest, note: result.note, today, messages, onOpen }} />
    if (result.kind === 'messages') {
      const list = result.messages.map((message) => messages.of(message))
      const { dates } = messages
      return (
        <MessageList
          messages={list}
          count={result.count}
          note={result.note}
          onSeek={setSought}
          {...{ today, dates, sought, onOpen }}
        />
      )
    }
    return null
  }
}

function Skeleton() {
  return (
    <div class="skeleton" role="status">
      <span class="hidden">Loading messages…</span>
      <div />
      <div />
      <div />
    </div>
  )
}

/** To the message that was opened; back, to what it was opened from. Nothing takes the focus at first. */
function useFocus(shown: string | undefined, isOpened: boolean) {
  const last = useRef<string>(undefined)
  useLayoutEffect(() => {
    if (isOpened) document.getElementById('page-title')?.focus()
    else if (last.current !== undefined) document.querySelector<HTMLElement>(`[data-open="${last.current}"]`)?.focus()
    last.current = isOpened ? shown : undefined
  }, [shown, isOpened])
}

function useEscape(onEscape: (() => void) | undefined) {
  useEffect(() => {
    if (onEscape === undefined) return
    const onKey = ({ key }: KeyboardEvent) => {
      if (key === 'Escape') onEscape()
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  })
}

function deliveredBy(result: Result | undefined): readonly Message[] {
  switch (result?.kind) {
    case 'messages':
      return result.messages
    case 'message':
      return [result.message]
    case 'digest': {
      const { top, due, retires } = result.digest
      return [...top, ...[...due, ...retires].map(({ id, title }) => ({ id, ...(title !== undefined && { title }) }))]
    }
    default:
      return []
  }
}

function toolOf(result: Result | undefined): string | undefined {
  const tools = { messages: 'getMessages', message: 'getMessage', digest: 'getDigest', error: undefined }
  return result === undefined ? undefined : tools[result.kind]
}

function titleOf(result: Result | undefined): string {
  return result?.kind === 'digest' ? 'Message Center digest' : 'Message Center'
}

function subtitleOf(result: Result | undefined): string {
  if (result === undefined) return 'Loading…'
  if (result.kind === 'error') return 'Not available'
  const read = result.ageSeconds === undefined ? 'read just now' : `read ${age(result.ageSeconds)}`
  if (result.kind !== 'messages') return `Microsoft 365, ${read}`
  const { messages, count } = result
  const number =
    count > messages.length
      ? `${messages.length} of ${count} messages`
      : `${count} ${count === 1 ? 'message' : 'messages'}`
  return `${number}, ${read}`
}
