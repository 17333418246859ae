/**
 * What several very large answers at once take of a small replica: `npm run build && npx tsx load/large-answers.ts`.
 *
 * For each number of CALLS (1,2,4,8,16) starts the bundled server (BUNDLE, else that of npm run build) with a heap of
 * HEAP_MIB (259), and has one user ask for 1,000 messages of 12 KB so many times at once, each time with another filter;
 * with characters of one byte and of two in V8's heap, and with answers kept and not. Prints the heap in use before and
 * after V8 collected it, the highest of each; the most resident memory (from /proc, so Linux only); and what came back.
 */
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import { startEmulator } from '../emulator/app.ts'
import { callOf } from './calls.ts'
import { answersOk, freePort, start, untilReady } from './processes.ts'
import { findBundle, serverEnv, withoutAnswersKept } from './servers.ts'
import { userOf } from './users.ts'

const messages = 1_000
const bodyLength = 12 * 1024
const paragraph =
  '<p>Read <a href="https://learn.microsoft.com/microsoftteams/" target="_blank">how</a> to prepare.\n</p>'
const mebibyte = 1024 * 1024

const calls = (process.env['CALLS'] ?? '1,2,4,8,16').split(',').map(Number)
const heapMiB = Number(process.env['HEAP_MIB'] ?? 259)
const bundle = await findBundle(process.env['BUNDLE'])
const folder = mkdtempSync(join(tmpdir(), 'large-answers-'))
const agent = new Agent({ headersTimeout: 120_000, bodyTimeout: 120_000 })
const tenant = await startEmulator()
const env = {
  ...serverEnv(),
  GRAPH_TENANT_ID: tenant.tenantId,
  GRAPH_CLIENT_ID: tenant.api.clientId,
  GRAPH_CLIENT_SECRET: tenant.api.clientSecret,
  ENTRA_AUTHORITY_HOST: tenant.origin,
  GRAPH_BASE_URL: `${tenant.origin}/v1.0`,
}
const user = userOf(await tenant.mint(), false)

for (const [width, mark] of [
  ['one byte', '-'],
  ['two bytes', '–'],
] as const) {
  const page = pageOf(mark)
  tenant.faults.clear()
  tenant.faults.add({ target: 'graph', kind: 'status', status: 200, body: page })
  for (const [kept, own] of [
    ['kept', {}],
    ['not kept', withoutAnswersKept],
  ] as const) {
    console.log(`\nA page of ${mib(page.length)} MiB, ${width} a character, answers ${kept}`)
    for (const count of calls) console.log(await measure(count, own))
  }
}
await tenant.close()
await agent.close()

function pageOf(mark: string): Buffer {
  const content = mark + paragraph.repeat(Math.ceil(bodyLength / paragraph.length)).slice(0, bodyLength)
  const value = Array.from({ length: messages }, (_, i) => ({
    id: `MC${1_000_000 + i}`,
    title: `A change, number ${i}`,
    services: ['Microsoft Teams'],
    body: { contentType: 'html', content },
  }))
  return Buffer.from(JSON.stringify({ '@odata.count': messages, value }))
}

async function measure(count: number, own: Readonly<Record<string, string>>): Promise<string> {
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const outputTo = join(folder, String(port))
  const server = start({
    name: 'The server',
    command: process.execPath,
    args: [`--max-old-space-size=${heapMiB}`, '--trace-gc', bundle],
    cwd: folder,
    env: { PUBLIC_BASE_URL: origin, ...env, ...own, PORT: String(port) },
    outputTo,
  })
  await untilReady(server, () => answersOk(`${origin}/readyz`))
  let residentMiB = 0
  const watch = setInterval(() => {
    residentMiB = Math.max(residentMiB, mostResidentMiB(server.pid))
  }, 50)
  const outcomes = await Promise.all(Array.from({ length: count }, (_, i) => ask(`${origin}/mcp`, i)))
  clearInterval(watch)
  // A process that V8 ends writes down why first.
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  const end = server.hasEnded ? 'ended' : 'lives'
  await server.stop('SIGKILL')
  const [before, after] = heapMiBOf(readFileSync(outputTo, 'utf8'))
  const told = [...new Set(outcomes)].map((what) => `${outcomes.filter((one) => one === what).length} ${what}`)
  return `${count} calls: heap ${before} and ${after} MiB, resident ${residentMiB} MiB, ${end}; ${told.join(', ')}`
}

/** What became of one call, in a word. */
async function ask(url: string, number: number): Promise<string> {
  const args = { top: 1_000, body: 'html', modifiedSince: `2020-01-${String((number % 28) + 1).padStart(2, '0')}` }
  const { headers, body } = callOf(user, { method: 'tools/call', tool: 'getMessages', args })
  try {
    const answer = await request(url, { method: 'POST', headers, body, dispatcher: agent })
    const { result } = JSON.parse(await answer.body.text())
    if (result?.isError) return String(result.content[0].text).split(':')[0] ?? ''
    const { value } = JSON.parse(result.content[0].text)
    return value.length === messages && result.structuredContent.value.length === messages ? 'right' : 'wrong'
  } catch {
    return 'broken off'
  }
}

function mostResidentMiB(pid: number): number {
  try {
    return Math.round(Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024)
  } catch {
    return 0 // It has ended.
  }
}

/** The most that was in use when V8 began to collect, and the most that a collection of the whole heap left. */
function heapMiBOf(output: string): [before: number, after: number] {
  const most = (pattern: RegExp) =>
    Math.round(Math.max(0, ...[...output.matchAll(pattern)].map((found) => Number(found[1]))))
  return [most(/(?:Scavenge|Mark-Compact) (?:\(reduce\) )?(\d+\.\d)/g), most(/Mark-Compact[^\n]*? -> (\d+\.\d)/g)]
}

function mib(bytes: number): string {
  return (bytes / mebibyte).toFixed(1)
}
