// A host of MCP Apps, for tests: the extension's own bridge, and a sandboxed frame as chat clients have it.
import {
  AppBridge,
  type McpUiHostCapabilities,
  type McpUiHostContext,
  PostMessageTransport,
} from '@modelcontextprotocol/ext-apps/app-bridge'

/** What a test decides of the host; everything in it is JSON. */
export interface HostOptions {
  readonly html: string
  readonly capabilities: McpUiHostCapabilities
  readonly context: McpUiHostContext
  readonly args: Record<string, unknown>
}

type ToolResult = Parameters<AppBridge['sendToolResult']>[0]

declare global {
  interface Window {
    startHost(options: HostOptions): Promise<void>
    sendResult(result: ToolResult): Promise<void>
    setContext(context: McpUiHostContext): void
    /** What the view asked for, answered by the test. */
    callTool(name: string, args: unknown): Promise<ToolResult>
    openLink(url: string): Promise<void>
  }
}

let bridge: AppBridge | undefined

window.startHost = async ({ html, capabilities, context, args }) => {
  const frame = document.createElement('iframe')
  frame.title = 'View'
  frame.sandbox.add('allow-scripts')
  document.body.append(frame)
  const target = frame.contentWindow
  if (target === null) throw new Error('The frame has no window')
  const made = new AppBridge(null, { name: 'test-host', version: '1.0.0' }, capabilities, { hostContext: context })
  bridge = made
  made.oncalltool = ({ name, arguments: given }) => window.callTool(name, given)
  made.onopenlink = async ({ url }) => {
    await window.openLink(url)
    return {}
  }
  made.onrequestdisplaymode = async ({ mode }) => {
    made.setHostContext({ ...context, displayMode: mode })
    return { mode }
  }
  made.addEventListener('sizechange', ({ height }) => {
    if (height !== undefined) frame.style.height = `${height}px`
  })
  const initialized = new Promise<void>((resolve) => made.addEventListener('initialized', () => resolve()))
  await made.connect(new PostMessageTransport(target, target))
  frame.srcdoc = html
  await initialized
  await made.sendToolInput({ arguments: args })
}

window.sendResult = async (result) => bridge?.sendToolResult(result)
window.setContext = (context) => bridge?.setHostContext(context)
