import { graphResource } from '../../src/lib/graph-permissions.ts'
import { azureCliToken } from '../shared/azure-cli.ts'
import { deviceCodeToken } from '../shared/device-code.ts'
import type { Io } from '../shared/io.ts'
import { UsageError } from '../shared/operator-error.ts'
import { readCertificate } from './certificate-file.ts'
import { type EnvFile, openEnvFile } from './env-file.ts'
import { createGraph } from './graph.ts'
import type { RegistrationOptions } from './options.ts'
import type { Outcome } from './report.ts'
import type { Run } from './run.ts'
import { openSecretFile, type SecretFile } from './secret-file.ts'

/** Files of a run, opened before the sign-in. */
export interface Prepared {
  readonly certificate: ReturnType<typeof readCertificate> | undefined
  readonly secretFile: SecretFile | undefined
}

interface Files {
  readonly secretFile: SecretFile | undefined
  readonly envFile: EnvFile | undefined
}

/**
 * Signs an administrator in, runs `work` with Graph, and writes the resulting variables to --write-env.
 *
 * @throws {OperatorError} before anything is changed, where a file or the sign-in fails
 */
export async function withRun(
  io: Io,
  options: RegistrationOptions,
  work: (run: Run, prepared: Prepared) => Promise<Outcome>,
): Promise<Outcome> {
  if (options.secretFile !== undefined && !options.secret && !options.renewSecret) {
    throw new UsageError('--secret-file requires a secret.', 'Add --secret or --renew-secret.')
  }
  const certificate = options.certificate === undefined ? undefined : readCertificate(io, options.certificate)
  const { secretFile, envFile } = openFiles(options)
  try {
    const graph = createGraph(io, { baseUrl: options.graphBaseUrl, token: await signIn(io, options) })
    try {
      const run = { io, graph, isDry: options.dryRun === true, changes: [] }
      return writeVariables(io, await work(run, { certificate, secretFile }), envFile)
    } finally {
      graph.close()
    }
  } finally {
    secretFile?.close()
    envFile?.close()
  }
}

/** A dry run needs none. */
function openFiles({ secretFile, writeEnv, dryRun }: RegistrationOptions): Files {
  if (dryRun) return { secretFile: undefined, envFile: undefined }
  const envFile = writeEnv === undefined ? undefined : openEnvFile(writeEnv)
  try {
    return { envFile, secretFile: secretFile === undefined ? undefined : openSecretFile(secretFile) }
  } catch (error) {
    envFile?.close()
    throw error
  }
}

/** Writes the variables to their file. On failure they stay in the outcome to be printed, since Entra shows a secret once. */
function writeVariables(io: Io, outcome: Outcome, envFile: EnvFile | undefined): Outcome {
  const names = Object.keys(outcome.env)
  if (envFile === undefined || names.length === 0) return outcome
  try {
    const replaced = envFile.write(outcome.env)
    io.progress(`Written to ${envFile.path}: ${names.join(', ')}`, 'gray')
    if (replaced.length > 0) {
      io.progress(`${envFile.path} had other values of ${replaced.join(', ')}; they are comments now.`, 'yellow')
    }
    return { ...outcome, env: {} }
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unknown'
    io.progress(`${envFile.path} cannot be written (${why}). The variables are printed instead, once.`, 'red')
    return outcome
  }
}

/** Requests no more permissions than this run needs. */
function signIn(io: Io, options: RegistrationOptions): Promise<string> {
  const { tenant: tenantId, authorityHost, signInClientId: clientId } = options
  if (options.az) return azureCliToken(io, { tenantId, scope: `${graphResource(options.graphBaseUrl)}/.default` })
  const scopes = [
    'Application.ReadWrite.All',
    // Without --admin-consent, consents are only read.
    options.adminConsent ? 'DelegatedPermissionGrant.ReadWrite.All' : 'Directory.Read.All',
  ]
  return deviceCodeToken(io, { authorityHost, tenantId, clientId, scope: scopes.join(' ') })
}
