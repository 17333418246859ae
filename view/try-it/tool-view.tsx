import type { Client } from '@modelcontextprotocol/client'
import { AppBridge, PostMessageTransport } from '@modelcontextprotocol/ext-apps/app-bridge'
import { useLayoutEffect, useRef } from 'preact/hooks'

interface ToolViewProps {
  readonly client: Client
  /** The server's view, as HTML. */
  readonly view: string
  readonly title: string
  readonly tool: string
  readonly args: Readonly<Record<string, unknown>>
  readonly isHidden: boolean
  readonly onError: (error: unknown) => void
}

/** The result of a tool in the server's view, in a sandboxed frame of its own as chat clients have it. */
export function ToolView({ client, view, title, tool, args, isHidden, onError }: ToolViewProps) {
  const frame = useRef<HTMLIFrameElement>(null)
  // Before the frame can load; once, since it loads again when the view is written into it.
  useLayoutEffect(() => {
    const unmounted = new AbortController()
    const onLoad = () => {
      if (frame.current !== null) show(frame.current, unmounted.signal).catch(onError)
    }
    frame.current?.addEventListener('load', onLoad, { once: true, signal: unmounted.signal })
    return () => unmounted.abort()
  }, [])
  return <iframe ref={frame} title={title} sandbox="allow-scripts" src="/try-it/frame" hidden={isHidden} />

  async function show(element: HTMLIFrameElement, unmounted: AbortSignal) {
    const target = element.contentWindow
    if (target === null) return
    const capabilities = { openLinks: {}, serverTools: {} }
    const toolInfo = { tool: { name: tool, inputSchema: { type: 'object' as const } } }
    const bridge = new AppBridge(client, { name: 'message-center-try-it', version: '1.0.0' }, capabilities, {
      hostContext: { theme: darkTheme.matches ? 'dark' : 'light', toolInfo },
    })
    bridge.onopenlink = async ({ url }) => {
      if (/^https?:\/\//i.test(url)) open(url, '_blank', 'noopener,noreferrer')
      return {}
    }
    bridge.addEventListener('sizechange', ({ height }) => {
      if (height !== undefined) element.style.height = `${height}px`
    })
    darkTheme.addEventListener(
      'change',
      ({ matches }) => bridge.setHostContext({ theme: matches ? 'dark' : 'light', toolInfo }),
      { signal: unmounted },
    )
    unmounted.addEventListener('abort', () => void bridge.close())
    const initialized = new Promise<void>((resolve) => bridge.addEventListener('initialized', () => resolve()))
    await bridge.connect(new PostMessageTransport(target, target))
    // The frame's origin is opaque: there is no other target to name.
    target.postMessage(view, '*')
    await initialized
    await bridge.sendToolInput({ arguments: { ...args } })
    await bridge.sendToolResult(await client.callTool({ name: tool, arguments: { ...args } }))
  }
}

const darkTheme = matchMedia('(prefers-color-scheme: dark)')
