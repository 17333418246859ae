import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { Command } from 'commander'
import { ConfigError, readConfig } from '../../src/config/index.ts'
import { checksFor } from '../doctor/checks.ts'
import type { Context, Registration } from '../doctor/context.ts'
import { postWithoutToken } from '../doctor/deployment.ts'
import { entraOf } from '../doctor/entra.ts'
import { examine } from '../doctor/examine.ts'
import type { Finding, Verdict } from '../doctor/finding.ts'
import { createProbe } from '../doctor/probe.ts'
import { operatorToken, readRegistration } from '../doctor/registration.ts'
import { deploymentOf } from '../shared/deployment.ts'
import { type Colour, type Io, wrapped } from '../shared/io.ts'
import { OperatorError } from '../shared/operator-error.ts'
import { addTokenOptions, type TokenFlags } from '../sign-in/access-token.ts'

interface Options extends TokenFlags {
  readonly url?: string
  readonly envFile?: string
  readonly graphDeviceCode?: true
  readonly json?: true
}

/** What a test may replace. */
export interface DoctorWorld {
  readonly now?: () => number
  /** Certificates of a private authority, as PEM. */
  readonly trusted?: string
  readonly deadlineMs?: number
}

/** `doctor`: checks a configuration, a deployment or both, and says how to fix what fails. */
export function doctorCommand(io: Io, world: DoctorWorld = {}): Command {
  const command = new Command('doctor')
    .description('diagnose a configuration, a running server, or both')
    .option('--url <url>', 'a running server')
    .option('--env-file <path>', 'a configuration (default: the environment and .env.local)')
    .option('--graph-device-code', 'sign in to Graph with a device code, to read the app registration (or --az)')
    .option('--json', 'print one JSON object')
  return addTokenOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  npm run ops -- doctor
  npm run ops -- doctor --url https://mcp.example.com
  npm run ops -- doctor --url https://mcp.example.com --env-file production.env --az

With a token of a user it reads messages as that user. With --az or --graph-device-code it reads the app registration.
Exit code 1 if any check fails; --json then has "error" beside the findings.`,
    )
    .action((options: Options) => diagnose(io, options, world))
}

async function diagnose(io: Io, options: Options, world: DoctorWorld): Promise<void> {
  const context = contextOf(io, options, world)
  const onFinding = (finding: Finding) => {
    if (!options.json) for (const [text, colour] of findingLines(finding, io.width)) io.print(text, colour)
  }
  try {
    const findings = await examine(checksFor(options), context, onFinding)
    const count = countOf(findings)
    const details = { ok: count.failure === 0, count, findings }
    if (!options.json) {
      for (const line of skippedLines(findings, io.width)) io.print(line, 'gray')
      io.print(`\n${summaryOf(count)}`, summaryColour(count))
    }
    if (count.failure > 0) {
      throw new OperatorError(
        count.failure === 1 ? '1 check failed.' : `${count.failure} checks failed.`,
        'Fix the first failure first, and run doctor again.',
        { code: 'checks_failed', details },
      )
    }
    if (options.json) io.print(JSON.stringify(details, undefined, 2))
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
  const toDeployment = createProbe({ now, deadlineMs, anyCertificate: true, trace: io.trace })
  const toMicrosoft = createProbe({ now, deadlineMs, trace: io.trace })
  const subject = { config, deployment, toDeployment }
  const registrations = new Map<string, Promise<Registration>>()
  const context: Context = {
    ...subject,
    io,
    now,
    trusted,
    toMicrosoft,
    env: isConfigured ? env : undefined,
    entra: once(() => entraOf(subject)),
    challenge: once(() => postWithoutToken(subject)),
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
    throw new OperatorError(`Cannot read ${path} (${code}).`, 'Name another with --env-file.', { cause: error })
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

/** Checks that were skipped, at the end, by why. */
function skippedLines(findings: readonly Finding[], width: number): readonly string[] {
  const checks = new Map<string, string[]>()
  for (const { check, verdict, message, blockedBy } of findings) {
    if (verdict !== 'skipped') continue
    const why = blockedBy === undefined ? message : 'skipped after a failure'
    checks.set(why, [...(checks.get(why) ?? []), check])
  }
  const [mark] = marks.skipped
  return [...checks].flatMap(([why, names]) => [
    wrapped(`${mark} skipped: ${why}`, width, '  '),
    `    ${wrapped(names.join(', '), width, '    ')}`,
  ])
}

function findingLines(
  { check, verdict, message, fix }: Finding,
  width: number,
): readonly (readonly [string, Colour | undefined])[] {
  if (verdict === 'skipped') return []
  const [mark, colour] = marks[verdict]
  const margin = ' '.repeat(27)
  return [
    [`${mark} ${check.padEnd(24)} ${wrapped(message, width, margin)}`, colour],
    ...(fix === undefined ? [] : [[`${margin}${wrapped(fix, width, margin)}`, undefined] as const]),
  ]
}

function summaryOf({ ok, warning, failure, skipped }: Readonly<Record<Verdict, number>>): string {
  return `Ok ${ok}, warnings ${warning}, failures ${failure}, skipped ${skipped}.`
}

function summaryColour({ warning, failure }: Readonly<Record<Verdict, number>>): Colour {
  if (failure > 0) return 'red'
  return warning > 0 ? 'yellow' : 'green'
}

function countOf(findings: readonly Finding[]): Record<Verdict, number> {
  const of = (verdict: Verdict) => findings.filter((finding) => finding.verdict === verdict).length
  return { ok: of('ok'), warning: of('warning'), failure: of('failure'), skipped: of('skipped') }
}
