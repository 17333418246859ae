import { Command, CommanderError } from 'commander'
import { callCommand } from './commands/call.ts'
import { doctorCommand } from './commands/doctor.ts'
import { registerClientCommand } from './commands/register-client.ts'
import { registerServerCommand } from './commands/register-server.ts'
import { smokeOboCommand } from './commands/smoke-obo.ts'
import { smokePkceCommand } from './commands/smoke-pkce.ts'
import { tokenCommand } from './commands/token.ts'
import type { Io } from './shared/io.ts'
import { OperatorError } from './shared/operator-error.ts'

/**
 * Runs one command line.
 *
 * @param args what follows `npm run ops --`
 * @returns the exit code: 0, 1 where something failed, 2 where the command line itself is wrong, 130 after Ctrl-C
 */
export async function runOps(args: readonly string[], io: Io): Promise<number> {
  try {
    await createProgram(io).parseAsync(args, { from: 'user' })
    return 0
  } catch (error) {
    // commander has printed the error already; --help is one with exit code 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    // What shells report for a process that Ctrl-C ended.
    if (io.signal.aborted) return 130
    if (!(error instanceof OperatorError)) throw error
    io.progress(error.message, 'red')
    io.progress(error.next)
    return 1
  }
}

function createProgram(io: Io): Command {
  const program = new Command('npm run ops --')
    .description("Operators' commands: register the apps, test a deployment, diagnose it.")
    .addCommand(
      new Command('register')
        .description('create or update an app registration')
        .addCommand(registerServerCommand(io))
        .addCommand(registerClientCommand(io)),
    )
    .addCommand(
      new Command('smoke')
        .description('test a running server, from sign-in to messages')
        .addCommand(smokePkceCommand(io))
        .addCommand(smokeOboCommand(io)),
    )
    .addCommand(tokenCommand(io))
    .addCommand(callCommand(io))
    .addCommand(doctorCommand(io))
  applySettings(program.exitOverride(), io)
  return program
}

/** addCommand() inherits no settings. */
function applySettings(command: Command, io: Io): void {
  command.configureOutput({
    writeOut: (text) => io.print(text.trimEnd()),
    writeErr: (text) => io.progress(text.trimEnd()),
  })
  command.showHelpAfterError('(run with --help for usage)')
  for (const inner of command.commands) {
    inner.copyInheritedSettings(command)
    applySettings(inner, io)
  }
}
