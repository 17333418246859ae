import { Client, StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client'
import { render } from 'preact'
import { useState } from 'preact/hooks'
import { createSignIn, forgetSignIn, storedSignIn } from './sign-in.ts'
import { ToolView } from './tool-view.tsx'

/** The tools whose results are shown, one at a time. */
const shownTools = [
  { tool: 'getDigest', title: 'Digest', args: {} },
  { tool: 'getMessages', title: 'Latest messages', args: { top: 20 } },
] as const

interface Connection {
  readonly client: Client
  /** The server's view, as HTML. */
  readonly view: string
}

interface PageProps {
  /** The MCP endpoint's URL, as it was asked for. */
  readonly server: string
  readonly connection?: Connection
  readonly isBusy?: boolean
  readonly error?: string
}

const root = document.getElementById('try-it')
if (root === null) throw new Error('There is no element "try-it"')

function show(props: PageProps) {
  if (root !== null) render(<Page {...props} />, root)
}

function Page({ server, connection, isBusy = false, error }: PageProps) {
  if (connection !== undefined && error === undefined) return <Results {...connection} server={server} />
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        void connect(new FormData(event.currentTarget).get('server')?.toString().trim() ?? '')
      }}
    >
      {error !== undefined && (
        <p class="box warning" role="alert">
          {error}
        </p>
      )}
      <p>
        <label for="server">Address of the server</label>
      </p>
      <div class="row">
        <input id="server" name="server" required defaultValue={server} disabled={isBusy} />
        <button type="submit" class="primary" disabled={isBusy}>
          {error === undefined ? 'Sign in' : 'Sign in again'}
        </button>
      </div>
      <p class="note" role="status">
        {isBusy ? 'Connecting…' : ''}
      </p>
    </form>
  )
}

function Results({ client, view, server }: Connection & { server: string }) {
  const [chosen, setChosen] = useState(0)
  const [opened, setOpened] = useState<readonly number[]>([0])
  function choose(index: number) {
    setChosen(index)
    setOpened([...new Set([...opened, index])])
  }
  return (
    <>
      <p class="note">
        Signed in at <code>{server}</code>. The token is in this tab only.
      </p>
      <div class="row">
        {shownTools.map(({ title, tool }, index) => (
          <button type="button" key={tool} aria-pressed={index === chosen} onClick={() => choose(index)}>
            {title}
          </button>
        ))}
        <button type="button" onClick={() => show({ server })}>
          Sign out
        </button>
      </div>
      {shownTools.map((each, index) =>
        opened.includes(index) ? (
          <ToolView
            key={each.tool}
            {...each}
            {...{ client, view }}
            isHidden={index !== chosen}
            onError={(error) => fail(server, error)}
          />
        ) : null,
      )}
    </>
  )
}

/** Connects to a server, which sends this tab to its sign-in page; from there it comes back with `callback`. */
async function connect(server: string, callback?: URLSearchParams): Promise<void> {
  show({ server, isBusy: true })
  try {
    const { provider, fetch } = createSignIn(server)
    const transport = new StreamableHTTPClientTransport(new URL(server), { authProvider: provider, fetch })
    if (callback !== undefined) await transport.finishAuth(callback).finally(forgetSignIn)
    const client = new Client(
      { name: 'message-center-try-it', version: '1.0.0' },
      { versionNegotiation: { mode: 'auto' } },
    )
    await client.connect(transport)
    const { contents } = await client.readResource({ uri: await viewUri(client) })
    const [view] = contents
    if (view === undefined || !('text' in view)) throw new Error('The server has no view.')
    show({ server, connection: { client, view: view.text } })
  } catch (error) {
    fail(server, error)
  }
}

async function viewUri(client: Client): Promise<string> {
  const { tools } = await client.listTools()
  const { ui } = tools.find(({ name }) => name === shownTools[0].tool)?._meta ?? {}
  const { resourceUri } = (ui ?? {}) as { resourceUri?: unknown }
  if (typeof resourceUri !== 'string') throw new Error('The server has no view.')
  return resourceUri
}

function fail(server: string, error: unknown) {
  // The tab is on its way to the sign-in page.
  if (error instanceof UnauthorizedError) return
  show({ server, error: error instanceof Error ? error.message : String(error) })
}

function start() {
  const parameters = new URLSearchParams(location.search)
  const stored = storedSignIn()
  const server = parameters.get('server') ?? stored?.server ?? 'http://localhost:8080/mcp'
  const isCallback = parameters.has('code') || parameters.has('error')
  if (!isCallback) return show({ server })
  history.replaceState(null, '', `${location.pathname}?${new URLSearchParams({ server })}`)
  if (stored?.state === undefined || stored.state !== parameters.get('state')) {
    return show({ server, error: 'This sign-in was not started in this tab, or has been used.' })
  }
  const error = parameters.get('error_description') ?? parameters.get('error')
  if (error !== null) return show({ server, error: `The sign-in failed: ${error}` })
  void connect(server, parameters)
}

start()
