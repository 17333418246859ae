import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import type { Output } from '../scripts/shared/io.ts'
import { integerIn } from '../scripts/shared/numbers.ts'
import { parseBaseUrl } from '../scripts/shared/options.ts'
import { scenarios } from './scenarios/index.ts'
import { type Scenario, type SettingName, type Settings, settingNames } from './scenarios/scenario.ts'

/** What a run is told. */
export interface RunOptions {
  readonly scenario: Scenario
  /** As given and as the scenario has them by default. */
  readonly settings: Settings
  /** The endpoint to call; without it the run starts what it calls. */
  readonly target?: string
  readonly tenant?: string
  readonly tokenFile?: string
  /** The bundled server to start, instead of that of npm run build. */
  readonly bundle?: string
  readonly json?: string
  readonly html?: string
}

type Given = Settings &
  Partial<Record<'scenario' | 'target' | 'tenant' | 'tokenFile' | 'bundle' | 'json' | 'html', string>>

/** What each setting is, and what it may be. */
const settings: Readonly<Record<SettingName, readonly [string, number, number]>> = {
  users: ['users who call', 1, 200_000],
  connections: ['connections of a closed model', 1, 10_000],
  seconds: ['how long each measurement, or each phase, takes', 1, 86_400],
  rounds: ['how often targets have their turn', 1, 1_000],
  rate: ['calls a second of an open model', 1, 100_000],
  calls: ['calls in all', 1, 100_000_000],
}

/**
 * Reads a command line.
 *
 * @returns what to run, or the exit code where there is nothing to run: 0 after --help, 2 where it is wrong
 */
export function readOptions(args: readonly string[], io: { stdout: Output; stderr: Output }): RunOptions | number {
  const command = createCommand().exitOverride()
  command.configureOutput({
    writeOut: (text) => io.stdout.write(text),
    writeErr: (text) => io.stderr.write(text),
  })
  try {
    command.parse([...args], { from: 'user' })
    return checked(command, command.opts<Given>())
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    throw error
  }
}

function createCommand(): Command {
  const command = new Command('npm run load --')
    .description('Puts a server under load, and checks every answer: that it is right, and that it is its caller’s.')
    .requiredOption('--scenario <name>', 'what to do; the list is below', parseScenario)
    .option('--target <url>', 'a server that runs already, instead of one that the run starts', parseTarget)
    .option('--token-file <file>', 'tokens of the users who call the target, one a line')
    .option('--tenant <origin>', 'the emulated tenant of the target, which mints the tokens instead', parseBaseUrl)
    .option('--bundle <file>', 'a server bundled elsewhere, such as another version of it, instead of dist/server.js')
    .option('--json <file>', 'writes the report as JSON', parseOutput)
    .option('--html <file>', 'writes the report as a page with charts', parseOutput)
  for (const name of settingNames) {
    const [description, least, most] = settings[name]
    command.addOption(new Option(`--${name} <n>`, description).argParser(integerIn(least, most)))
  }
  return command.addHelpText('after', `\n${scenarioList()}\n\n${notes}`).showSuggestionAfterError(false)
}

function scenarioList(): string {
  const width = Math.max(...scenarios.map(({ name }) => name.length))
  const lines = scenarios.map(({ name, about, defaults }) => {
    const own = Object.entries(defaults).map(([setting, value]) => `--${setting} ${value}`)
    return `  ${name.padEnd(width)}  ${about}\n  ${' '.repeat(width)}  ${own.join(' ')}`
  })
  return `Scenarios, and what they take where nothing is said:\n${lines.join('\n')}`
}

const notes = `Without --target, the emulated tenant and the built server (npm run build) are started, and end with the run.
Processor time is read from /proc, so that there is none on other systems than Linux.
The exit code is 1 where an answer was wrong or a rule of the scenario did not hold, 2 where the command line is wrong.

Examples:
  npm run load -- --scenario warm --html warm.html
  npm run load -- --scenario mixed-tools --target https://mcp.example.com --token-file tokens.txt --seconds 30`

/** What options mean together. */
function checked(command: Command, given: Given): RunOptions {
  const scenario = scenarios.find(({ name }) => name === given.scenario)
  if (scenario === undefined) throw new Error('The scenario was not parsed')
  const refuse = (text: string): never => command.error(`error: ${text}`)

  const { target, tenant, tokenFile, bundle, json, html } = given
  if (target === undefined && (tokenFile ?? tenant) !== undefined) {
    refuse(
      `${tokenFile === undefined ? '--tenant' : '--token-file'} is for a server that runs already: name it with --target`,
    )
  }
  if (target !== undefined && (tokenFile ?? tenant) === undefined)
    refuse('--target needs --token-file, or --tenant where that is emulated')
  if (target !== undefined && bundle !== undefined)
    refuse('--bundle is for a server that the run starts, so not with --target')
  if (target !== undefined && scenario.needs === 'processes') {
    refuse(`${scenario.name} ends the servers that it calls, so it takes no --target`)
  }
  if (target !== undefined && scenario.needs === 'tenant' && tenant === undefined) {
    refuse(`${scenario.name} makes things happen in an emulated tenant: name it with --tenant`)
  }
  for (const name of settingNames) {
    if (given[name] !== undefined && scenario.defaults[name] === undefined) {
      const own = Object.keys(scenario.defaults).map((one) => `--${one}`)
      refuse(`${scenario.name} takes no --${name}; it takes ${own.join(', ')}`)
    }
  }
  const own = settingNames.filter((name) => scenario.defaults[name] !== undefined)
  return {
    scenario,
    settings: Object.fromEntries(own.map((name) => [name, given[name] ?? scenario.defaults[name]])),
    ...(target !== undefined && { target }),
    ...(tenant !== undefined && { tenant }),
    ...(tokenFile !== undefined && { tokenFile }),
    ...(bundle !== undefined && { bundle }),
    ...(json !== undefined && { json }),
    ...(html !== undefined && { html }),
  }
}

function parseScenario(value: string): string {
  if (scenarios.some(({ name }) => name === value)) return value
  throw new InvalidArgumentError(`There are ${scenarios.map(({ name }) => name).join(', ')}.`)
}

/** The MCP endpoint of a deployment, which is told by its origin too. */
function parseTarget(value: string): string {
  const url = new URL(parseBaseUrl(value))
  return url.pathname === '/' ? `${url.origin}/mcp` : url.href
}

/** A file that can be written later, when it would be a pity about the run. */
function parseOutput(value: string): string {
  const folder = statSync(dirname(value), { throwIfNoEntry: false })
  if (folder?.isDirectory() !== true) throw new InvalidArgumentError('Its folder is not there.')
  if (statSync(value, { throwIfNoEntry: false })?.isDirectory()) throw new InvalidArgumentError('It is a folder.')
  return value
}
