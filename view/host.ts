import {
  App,
  applyDocumentTheme,
  applyHostStyleVariables,
  type McpUiDisplayMode,
  type McpUiHostContext,
} from '@modelcontextprotocol/ext-apps'
import type { ToolResult } from './result.ts'

/** What the host does for the view. */
export interface Host {
  /** Whether it passes calls on to the server. */
  readonly canCall: boolean
  /** Names of the tools that the server offers. */
  readonly tools: readonly string[]
  /** @throws where the host or the server rejects the call; what a tool reports itself is a result */
  call(name: string, args: Readonly<Record<string, unknown>>): Promise<ToolResult>
  /** Opens an address of the web in the user's browser, if the host allows it. */
  openLink(url: string): Promise<void>
  /** Takes the whole window, or what the chat leaves; absent where the host has no other mode. */
  readonly toggleFullscreen?: () => Promise<void>
  readonly isFullscreen: boolean
  /** The tool whose result is shown, where the host says it. */
  readonly calledTool: string | undefined
}

export interface HostEvents {
  onChange(host: Host): void
  onInput(args: Readonly<Record<string, unknown>>): void
  onResult(result: ToolResult): void
  onCancelled(): void
}

/** Connects to the host that this document is framed by, and follows its theme. */
export async function connect({ onChange, onInput, onResult, onCancelled }: HostEvents): Promise<void> {
  const modes: McpUiDisplayMode[] = ['inline', 'fullscreen']
  const app = new App({ name: 'message-center-view', version: '1.0.0' }, { availableDisplayModes: modes })
  const tools = (document.documentElement.dataset['tools'] ?? '').split(' ').filter(Boolean)
  app.addEventListener('toolinput', ({ arguments: args = {} }) => onInput(args))
  app.addEventListener('toolresult', (result) => onResult(result as ToolResult))
  app.addEventListener('toolcancelled', () => onCancelled())
  app.addEventListener('hostcontextchanged', follow)
  await app.connect()
  follow()

  function follow() {
    const context: McpUiHostContext = app.getHostContext() ?? {}
    if (context.theme !== undefined) applyDocumentTheme(context.theme)
    if (context.styles?.variables !== undefined) applyHostStyleVariables(context.styles.variables)
    const { top = 0, right = 0, bottom = 0, left = 0 } = context.safeAreaInsets ?? {}
    document.body.style.padding = [top, right, bottom, left].map((inset) => `${inset}px`).join(' ')
    onChange(hostOf(context))
  }

  function hostOf({ displayMode, availableDisplayModes = [], toolInfo }: McpUiHostContext): Host {
    const isFullscreen = displayMode === 'fullscreen'
    const mode = isFullscreen ? 'inline' : 'fullscreen'
    return {
      canCall: app.getHostCapabilities()?.serverTools !== undefined,
      tools,
      call: async (name, args) => (await app.callServerTool({ name, arguments: { ...args } })) as ToolResult,
      async openLink(url) {
        if (/^https?:\/\//i.test(url)) await app.openLink({ url })
      },
      isFullscreen,
      calledTool: toolInfo?.tool.name,
      ...(availableDisplayModes.includes(mode) && {
        toggleFullscreen: async () => {
          await app.requestDisplayMode({ mode })
        },
      }),
    }
  }
}
