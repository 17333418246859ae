import tab from '@bomb.sh/tab/commander'
import { Command, CommanderError } from 'commander'
import packageJson from '../package.json' with { type: 'json' }
import { callCommand } from './commands/call.ts'
import { doctorCommand } from './commands/doctor.ts'
import { loginCommand } from './commands/login.ts'
import { logoutCommand } from './commands/logout.ts'
import { registerClientCommand } from './commands/register-client.ts'
import { registerServerCommand } from './commands/register-server.ts'
import { smokeOboCommand } from './commands/smoke-obo.ts'
import { smokePkceCommand } from './commands/smoke-pkce.ts'
import { tokenCommand } from './commands/token.ts'
import type { Io } from './shared/io.ts'
import { OperatorError, UsageError } from './shared/operator-error.ts'

/** Of `bin` in package.json; shells complete it. */
const binName = 'message-center-ops'

const rootHelp = `
Examples:
  npm run ops -- register server --tenant <id> --public-base-url http://localhost:8080 --secret --admin-consent
  npm run ops -- doctor --url https://mcp.example.com --az
  npm run ops -- login --url https://mcp.example.com
  npm run ops -- call getMessages services=Teams top=5 --url https://mcp.example.com

Exit codes:
  0    success
  1    something failed: what, and what to do, are on standard error
  2    the command line is wrong; nothing was done
  130  stopped by Ctrl-C

Results go to standard output, everything else to standard error. With --json, standard output is one JSON value, also
after a failure: {"error": {"code", "message", "remediation"}}. NO_COLOR turns colours off. In scripts, use
npm run --silent ops -- ..., or the command ${binName} after "npm link".`

const registerHelp = `
Examples:
  npm run ops -- register server --tenant <id> --secret --admin-consent
  npm run ops -- register client --public --redirect-uri http://localhost --preauthorize`

const smokeHelp = `
Examples:
  npm run ops -- smoke pkce --url https://mcp.example.com
  npm run ops -- smoke obo --url https://mcp.example.com --az`

const completionHelp = `
Examples:
  source <(${binName} completion bash)                                        (in ~/.bashrc)
  source <(${binName} completion zsh)                                         (in ~/.zshrc)
  ${binName} completion fish > ~/.config/fish/completions/${binName}.fish

It completes the command ${binName}, which "npm link" in this folder installs.`

/**
 * Runs one command line.
 *
 * @param args what follows `npm run ops --`
 * @returns the exit code: 0, 1 where something failed, 2 where the command line itself is wrong, 130 after Ctrl-C
 */
export async function runOps(args: readonly string[], given: Io): Promise<number> {
  const io = args.includes('--verbose') ? given : { ...given, trace: () => undefined }
  const printError = (code: string, message: string, remediation: string, details: object = {}) => {
    if (args.includes('--json')) {
      io.print(JSON.stringify({ ...details, error: { code, message, remediation } }, undefined, 2))
    }
  }
  try {
    await createProgram(io).parseAsync(args, { from: 'user' })
    return 0
  } catch (error) {
    // commander has printed the error already; --help is one with exit code 0.
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0
      printError('usage', error.message.replace(/^error: /, ''), 'Run it with --help for usage.')
      return 2
    }
    traceCauses(io, error)
    // What shells report for a process that Ctrl-C ended.
    if (io.signal.aborted) {
      printError('interrupted', 'Stopped by Ctrl-C.', 'Run it again.')
      return 130
    }
    if (!(error instanceof OperatorError)) {
      printError('unexpected', String(error), 'This is a defect of the command: report it with the stack.')
      throw error
    }
    const { code, message, next, details } = error
    printError(code, message, next, details)
    io.progress(message, 'red')
    io.progress(next)
    return error instanceof UsageError ? 2 : 1
  }
}

/** The error and what caused it, with stacks, for --verbose. */
function traceCauses(io: Io, error: unknown): void {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { code?: unknown }
    io.trace(`${cause.stack ?? cause.message}${typeof code === 'string' ? `\n    code ${code}` : ''}`)
  }
}

function createProgram(io: Io): Command {
  const program = new Command(binName)
    .description("Operators' commands: register the apps, test a deployment, diagnose it.")
    .version(packageJson.version, '--version', 'print the version')
    .option('--verbose', 'also print requests, and the causes of failures')
    .addHelpText('after', rootHelp)
    .addCommand(
      new Command('register')
        .description('create or update an app registration')
        .addCommand(registerServerCommand(io))
        .addCommand(registerClientCommand(io))
        .addHelpText('after', registerHelp),
    )
    .addCommand(
      new Command('smoke')
        .description('test a running server, from sign-in to messages')
        .addCommand(smokePkceCommand(io))
        .addCommand(smokeOboCommand(io))
        .addHelpText('after', smokeHelp),
    )
    .addCommand(tokenCommand(io))
    .addCommand(loginCommand(io))
    .addCommand(logoutCommand(io))
    .addCommand(callCommand(io))
    .addCommand(doctorCommand(io))
  tab(program, { completionCommandName: 'completion' })
  program.commands.find((command) => command.name() === 'completion')?.addHelpText('after', completionHelp)
  program.name('npm run ops --')
  applySettings(program.exitOverride(), io)
  return program
}

/** addCommand() inherits no settings. */
function applySettings(command: Command, io: Io): void {
  command.configureOutput({
    writeOut: (text) => io.print(text.trimEnd()),
    writeErr: (text) => io.progress(text.trimEnd()),
    getOutHelpWidth: () => io.width,
    getErrHelpWidth: () => io.width,
  })
  command.showHelpAfterError('(run with --help for usage)')
  for (const inner of command.commands) {
    inner.copyInheritedSettings(command)
    applySettings(inner, io)
  }
}
