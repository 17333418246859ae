import { mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { Output } from '../scripts/shared/io.ts'
import { integerIn } from '../scripts/shared/numbers.ts'
import { parseBaseUrl } from '../scripts/shared/options.ts'
import type { Environment } from './harness.ts'
import { type Scenario, type SettingName, type Settings, settingNames } from './scenario.ts'
import { coldBurst } from './scenarios/cold-burst.ts'
import { degradedGraph } from './scenarios/degraded-graph.ts'
import { isolation } from './scenarios/isolation.ts'
import { manyUsers } from './scenarios/many-users.ts'
import { mixedTools } from './scenarios/mixed-tools.ts'
import { overload } from './scenarios/overload.ts'
import { replicasScenario } from './scenarios/replicas.ts'
import { rollingRestart } from './scenarios/rolling-restart.ts'
import { signIn } from './scenarios/sign-in.ts'
import { soak } from './scenarios/soak.ts'
import { warm } from './scenarios/warm.ts'

/** Every scenario, in the order of --help. */
export const scenarios: readonly Scenario[] = [
  warm,
  coldBurst,
  manyUsers,
  mixedTools,
  degradedGraph,
  overload,
  rollingRestart,
  replicasScenario,
  isolation,
  soak,
  signIn,
]

/** What a command is given. */
export interface RunOptions extends Settings, Omit<Environment, 'tokens'> {
  readonly tokenFile?: string
  readonly json?: string
  readonly html?: string
}

/** What each setting is, and its range. */
const settingOptions: Readonly<Record<SettingName, readonly [description: string, least: number, most: number]>> = {
  users: ['users who call', 1, 200_000],
  connections: ['connections of a closed model', 1, 10_000],
  seconds: ['duration of each measurement, or of each phase', 1, 86_400],
  rounds: ['rounds in which targets take turns', 1, 1_000],
  rate: ['calls a second of an open model', 1, 100_000],
  calls: ['calls in all', 1, 100_000_000],
}

const notes = `
Without --target, the emulated tenant and the built server (npm run build) are started, and end with the run.
CPU time is read from /proc, on Linux only.
Exit codes: 1 where a response was wrong or a rule did not hold, 2 for an invalid command line.

Example: npm run load -- mixed-tools --target https://mcp.example.com --token-file tokens.txt --html mixed.html`

/**
 * The command line: a command for each scenario.
 *
 * @param run what a command does
 */
export function createProgram(
  { stdout, stderr }: { readonly stdout: Output; readonly stderr: Output },
  run: (scenario: Scenario, options: RunOptions) => Promise<void>,
): Command {
  const program = new Command('npm run load --')
    .description('Puts a server under load, and checks that every response is correct and its caller’s.')
    .exitOverride()
    .configureOutput({ writeOut: (text) => stdout.write(text), writeErr: (text) => stderr.write(text) })
    .showSuggestionAfterError(false)
    .addHelpText('after', notes)
  for (const scenario of scenarios) addScenario(program, scenario, run)
  return program
}

function addScenario(program: Command, scenario: Scenario, run: Parameters<typeof createProgram>[1]): void {
  const { name, description, needs, defaults } = scenario
  const command = program.command(name).description(description)
  for (const setting of settingNames.filter((one) => defaults[one] !== undefined)) {
    const [text, least, most] = settingOptions[setting]
    command.addOption(new Option(`--${setting} <n>`, text).argParser(integerIn(least, most)).default(defaults[setting]))
  }
  if (needs !== 'processes') {
    command
      .option('--target <url>', 'a server that runs already', parseTarget)
      .option('--tenant <origin>', 'the emulated tenant of the target, which mints tokens', parseBaseUrl)
  }
  if (needs === 'target') command.option('--token-file <file>', 'tokens of the users who call the target, one a line')
  command
    .addOption(new Option('--bundle <file>', 'another bundled server than dist/server.js').conflicts('target'))
    .addOption(
      new Option('--cpu-prof <folder>', 'write a CPU profile (.cpuprofile) of each server that is started')
        .argParser(parseFolder)
        .conflicts('target'),
    )
    .option('--json <file>', 'write the report as JSON', parseOutput)
    .option('--html <file>', 'write the report as a page with charts', parseOutput)
    .action(async () => {
      const options = command.opts<RunOptions>()
      const { target, tenant, tokenFile } = options
      const hasTokens = (tenant ?? tokenFile) !== undefined
      if (target === undefined && hasTokens) {
        command.error(`error: ${tenant === undefined ? '--token-file' : '--tenant'} requires --target`)
      }
      if (target !== undefined && !hasTokens) {
        command.error(`error: --target requires --tenant${needs === 'target' ? ' or --token-file' : ''}`)
      }
      await run(scenario, options)
    })
}

/** The MCP endpoint of a deployment, which its origin stands for too. */
function parseTarget(value: string): string {
  const url = new URL(parseBaseUrl(value))
  return url.pathname === '/' ? `${url.origin}/mcp` : url.href
}

/** A file that can be written when the run has ended. */
function parseOutput(value: string): string {
  if (!statSync(dirname(value), { throwIfNoEntry: false })?.isDirectory()) {
    throw new InvalidArgumentError('Its folder does not exist.')
  }
  if (statSync(value, { throwIfNoEntry: false })?.isDirectory()) throw new InvalidArgumentError('It is a folder.')
  return value
}

function parseFolder(value: string): string {
  mkdirSync(value, { recursive: true })
  return resolve(value)
}
