import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { Command } from 'commander'
import { ConfigError, readConfig } from '../../src/config/index.ts'
import { checksFor } from '../doctor/checks.ts'
import type { Context, Registration } from '../doctor/context.ts'
import { askWithoutToken } from '../doctor/deployment.ts'
import { entraOf } from '../doctor/entra.ts'
import { examine } from '../doctor/examine.ts'
import type { Finding, Verdict } from '../doctor/finding.ts'
import { createProbe } from '../doctor/probe.ts'
import { operatorToken, readRegistration } from '../doctor/registration.ts'
import { deploymentOf } from '../shared/deployment.ts'
import type { Colour, Io } from '../shared/io.ts'
import { OperatorError } from '../shared/operator-error.ts'
import { addTokenOptions, type TokenFlags } from '../sign-in/access-token.ts'

interface Options extends TokenFlags {
  readonly url?: string
  readonly envFile?: string
  readonly graphDeviceCode?: true
  readonly json?: true
}

/** What a test may say of the world beyond what commands know of it. */
export interface DoctorWorld {
  readonly now?: () => number
  /** Certificates of a private authority, as PEM. */
  readonly trusted?: string
  readonly deadlineMs?: number
}

/** `doctor`: everything that can be found out about a configuration, a deployment or both, each with its mend. */
export function doctorCommand(io: Io, world: DoctorWorld = {}): Command {
  const command = new Command('doctor')
    .description('find what is wrong with a configuration, a running server, or both')
    .option('--url <url>', 'a running server')
    .option('--env-file <path>', 'a configuration (default: the environment and .env.local, where they have one)')
    .option('--graph-device-code', 'sign in to Graph by a device code, to read the app registration; --az does as well')
    .option('--json', 'one JSON object instead of lines')
  return addTokenOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  npm run ops -- doctor
  npm run ops -- doctor --url https://mcp.example.com
  npm run ops -- doctor --url https://mcp.example.com --env-file production.env --az

With a token of a user it reads messages as that user. With --az or --graph-device-code it reads the app registration.
Exit code 1 where anything fails.`,
    )
    .action((options: Options) => diagnose(io, options, world))
}

async function diagnose(io: Io, options: Options, world: DoctorWorld): Promise<void> {
  const context = contextOf(io, options, world)
  const tell = (finding: Finding) => {
    if (!options.json) for (const [text, colour] of findingLines(finding)) io.print(text, colour)
  }
  try {
    const findings = await examine(checksFor(options), context, tell)
    const count = countOf(findings)
    if (!options.json) for (const line of skippedLines(findings)) io.print(line, 'gray')
    if (options.json) io.print(JSON.stringify({ ok: count.failure === 0, count, findings }, undefined, 2))
    const summary = `Ok ${count.ok}, warnings ${count.warning}, failures ${count.failure}, skipped ${count.skipped}.`
    if (count.failure > 0) throw new OperatorError(summary, 'Mend the first failure first, and run doctor again.')
    if (!options.json) io.print(`\n${summary}`, count.warning > 0 ? 'yellow' : 'green')
  } finally {
    await Promise.all([context.toDeployment.close(), context.toMicrosoft.close()])
  }
}

function contextOf(io: Io, options: Options, { now = Date.now, trusted, deadlineMs = 8_000 }: DoctorWorld): Context {
  const { url, envFile, az = false, graphDeviceCode = false } = options
  const deployment = url === undefined ? undefined : deploymentOf(url, io.env)
  const env = envFile === undefined ? io.env : readEnvFile(envFile)
  const isConfigured = deployment === undefined || envFile !== undefined || Boolean(env['GRAPH_CLIENT_ID'])
  const config = isConfigured ? configOf(env) : undefined
  const toDeployment = createProbe({ now, deadlineMs, anyCertificate: true })
  const toMicrosoft = createProbe({ now, deadlineMs })
  const known = { config, deployment, toDeployment }
  const registrations = new Map<string, Promise<Registration>>()
  const context: Context = {
    ...known,
    io,
    now,
    trusted,
    toMicrosoft,
    env: isConfigured ? env : undefined,
    entra: once(() => entraOf(known)),
    challenge: once(() => askWithoutToken(known)),
    graphBaseUrl: config?.graph.baseUrl ?? 'https://graph.microsoft.com/v1.0',
    canReadRegistration: az || graphDeviceCode,
    operatorToken: once(() => operatorToken(context, az)),
    registration(appId) {
      const read = registrations.get(appId) ?? readRegistration(context, appId)
      registrations.set(appId, read)
      return read
    },
  }
  return context
}

function configOf(env: Io['env']): Context['config'] {
  try {
    return readConfig(env)
  } catch (error) {
    if (error instanceof ConfigError) return undefined
    throw error
  }
}

function readEnvFile(path: string): Io['env'] {
  try {
    return parseEnv(readFileSync(path, 'utf8')) as Io['env']
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException
    throw new OperatorError(`${path} cannot be read (${code}).`, 'Name another with --env-file.', { cause: error })
  }
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let done: Promise<T> | undefined
  return () => {
    done ??= work()
    return done
  }
}

const marks: Readonly<Record<Verdict, readonly [string, Colour | undefined]>> = {
  ok: ['✔', 'green'],
  warning: ['!', 'yellow'],
  failure: ['✘', 'red'],
  skipped: ['-', 'gray'],
}

/** What could not be made is told at the end, all of one reason together. */
function skippedLines(findings: readonly Finding[]): readonly string[] {
  const checks = new Map<string, string[]>()
  for (const { check, verdict, says, waitsFor } of findings) {
    if (verdict !== 'skipped') continue
    const why = waitsFor === undefined ? says : 'not made, for what failed'
    checks.set(why, [...(checks.get(why) ?? []), check])
  }
  return [...checks].map(([why, names]) => `- ${names.join(', ')}: ${why}`)
}

function findingLines({ check, verdict, says, mend }: Finding): readonly (readonly [string, Colour | undefined])[] {
  if (verdict === 'skipped') return []
  const [mark, colour] = marks[verdict]
  const margin = ' '.repeat(27)
  return [
    [`${mark} ${check.padEnd(24)} ${says}`, colour],
    ...(mend === undefined ? [] : [[`${margin}${mend}`, undefined] as const]),
  ]
}

function countOf(findings: readonly Finding[]): Record<Verdict, number> {
  const of = (verdict: Verdict) => findings.filter((finding) => finding.verdict === verdict).length
  return { ok: of('ok'), warning: of('warning'), failure: of('failure'), skipped: of('skipped') }
}
