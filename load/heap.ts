import { request, WebSocket } from 'undici'
import { freePort, type Running, untilReady } from './processes.ts'

/** How a process is started whose heap is to be looked at: nothing listens until it is. */
export async function inspectable(): Promise<{ env: { NODE_OPTIONS: string }; port: number }> {
  const port = await freePort()
  return { env: { NODE_OPTIONS: `--inspect-port=${port}` }, port }
}

/**
 * What a Node process needs of its heap, in bytes: what is in use once all that can be freed is. It stops for that.
 * Source: Node.js, "Debugger: Advanced usage" (SIGUSR1) and the Chrome DevTools Protocol, HeapProfiler and Runtime.
 *
 * @param process one that is ready: another would end by the signal
 * @param port that it was told by {@link inspectable}
 */
export async function heapNeededBy(process: Running, port: number): Promise<number> {
  process.signal('SIGUSR1')
  let url = ''
  await untilReady(process, async () => {
    url = await inspectorUrl(port)
    return url !== ''
  })
  const inspector = new WebSocket(url)
  await new Promise((resolve, reject) => {
    inspector.addEventListener('open', resolve)
    inspector.addEventListener('error', reject)
  })
  try {
    // What waits for a finalizer goes in the second one.
    await ask(inspector, 'HeapProfiler.collectGarbage')
    await ask(inspector, 'HeapProfiler.collectGarbage')
    const { usedSize } = await ask(inspector, 'Runtime.getHeapUsage')
    return Number(usedSize)
  } finally {
    inspector.close()
  }
}

async function inspectorUrl(port: number): Promise<string> {
  try {
    const { body } = await request(`http://127.0.0.1:${port}/json/list`)
    const [target] = (await body.json()) as { webSocketDebuggerUrl: string }[]
    return target?.webSocketDebuggerUrl ?? ''
  } catch {
    return '' // It does not listen yet.
  }
}

let asked = 0
function ask(inspector: WebSocket, method: string): Promise<Readonly<Record<string, unknown>>> {
  const id = ++asked
  return new Promise((resolve, reject) => {
    inspector.addEventListener('close', () => reject(new Error('The inspector closed')), { once: true })
    inspector.addEventListener('message', function heed({ data }) {
      const answer = JSON.parse(String(data))
      if (answer.id !== id) return
      inspector.removeEventListener('message', heed)
      resolve(answer.result)
    })
    inspector.send(JSON.stringify({ id, method }))
  })
}
