import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { request } from 'undici'
import { browse } from '../../demo/browser.ts'

const suite = '@modelcontextprotocol/conformance@0.2.0-alpha.12'
/** The suite needs Node 22, whatever Node this is. */
const npx = ['--yes', '--loglevel=error', '--package', 'node@22', '--package', suite, '--', 'conformance']

interface Check {
  readonly id: string
  readonly status: string
  readonly errorMessage?: string
}

/** The revisions of MCP that are spoken here and known to the suite. */
export const specVersions = ['2025-11-25', '2026-07-28'] as const

export interface RunOptions {
  /** Those that have to have run. */
  readonly scenarios: readonly string[]
  /** Called with each line that the suite prints; what it throws ends the run. */
  readonly onLine?: (line: string) => Promise<void>
  /** Checks that cannot come out well, each with the reason. */
  readonly excused?: Readonly<Record<string, string>>
}

/**
 * Runs the MCP conformance suite and shows what it prints.
 *
 * @param args its command and options, without the one for results
 * @returns a line for whatever is not SUCCESS and not excused, warnings and skipped checks included
 */
export async function runSuite(args: readonly string[], options: RunOptions): Promise<string[]> {
  const { scenarios, onLine = async () => {}, excused = {} } = options
  const results = await mkdtemp(join(tmpdir(), 'mcp-conformance-'))
  try {
    const code = await watch([...npx, ...args, '--output-dir', results], onLine)
    const runs = await readRuns(results)
    const missing = scenarios.filter((scenario) => !runs.some(({ name }) => name.includes(scenario)))
    const checks = runs.flatMap((run) => run.checks)
    const bad = checks.filter(({ status }) => status !== 'SUCCESS' && status !== 'INFO')
    const hasExplanation = bad.some(({ status }) => status === 'FAILURE')
    return [
      ...(code === 0 || hasExplanation ? [] : [`the suite exits with ${code}`]),
      ...missing.map((scenario) => `${scenario} did not run`),
      ...runs.filter((run) => run.checks.length === 0).map(({ name }) => `${name} has no checks`),
      ...bad
        .filter(({ id }) => !Object.hasOwn(excused, id))
        .map(({ id, status, errorMessage = '' }) => `${id}: ${status} ${errorMessage}`),
      ...Object.keys(excused)
        .filter((id) => !bad.some((check) => check.id === id))
        .map((id) => `${id} is excused without need`),
    ]
  } finally {
    await rm(results, { recursive: true })
  }
}

/** Shows faults, if there are any; the process will exit with 1 then. */
export function report(faults: readonly string[]): void {
  for (const fault of faults) process.stdout.write(`not conformant: ${fault}\n`)
  if (faults.length > 0) process.exitCode = 1
}

/** What a person would do with an authorization URL: sign in, and let the browser open the redirect URI. */
export async function useBrowser(authorizationUrl: string): Promise<void> {
  const { url } = await browse(authorizationUrl, { user: 'rowan' })
  const { body } = await request(url)
  await body.dump()
}

function watch(args: readonly string[], onLine: (line: string) => Promise<void>): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn('npx', args, { stdio: ['ignore', 'pipe', 'inherit'] })
    child.once('error', reject)
    child.once('close', resolve)
    createInterface(child.stdout).on('line', (line) => {
      process.stdout.write(`${line}\n`)
      onLine(line).catch((error) => {
        child.kill()
        reject(error)
      })
    })
  })
}

async function readRuns(results: string): Promise<{ name: string; checks: Check[] }[]> {
  const files = (await readdir(results, { recursive: true })).filter((name) => name.endsWith('checks.json'))
  return Promise.all(
    files.map(async (name) => ({
      name,
      checks: JSON.parse(await readFile(join(results, name), 'utf8')) as Check[],
    })),
  )
}
