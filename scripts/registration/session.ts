import { azureCliToken } from '../shared/azure-cli.ts'
import { deviceCodeToken } from '../shared/device-code.ts'
import { graphResource } from '../shared/graph.ts'
import type { Io } from '../shared/io.ts'
import { OperatorError } from '../shared/operator-error.ts'
import { readCertificate } from './certificate-file.ts'
import { createGraph } from './graph.ts'
import type { RegistrationOptions } from './options.ts'
import type { Run } from './run.ts'
import { openSecretFile, type SecretFile } from './secret-file.ts'

/** What of the operator's machine a run needs, read before anybody signs in. */
export interface Prepared {
  readonly certificate: ReturnType<typeof readCertificate> | undefined
  readonly secretFile: SecretFile | undefined
}

/**
 * Signs an administrator in and does `work` with Graph.
 *
 * @throws {OperatorError} before anything is written, where a file or the sign-in is at fault
 */
export async function withRun<T>(
  io: Io,
  options: RegistrationOptions,
  work: (run: Run, prepared: Prepared) => Promise<T>,
): Promise<T> {
  if (options.secretFile !== undefined && !options.secret && !options.renewSecret) {
    throw new OperatorError('--secret-file without a secret.', 'Add --secret, or --renew-secret.')
  }
  const certificate = options.certificate === undefined ? undefined : readCertificate(io, options.certificate)
  const secretFile = options.secretFile === undefined || options.dryRun ? undefined : openSecretFile(options.secretFile)
  try {
    const graph = createGraph(io, { baseUrl: options.graphBaseUrl, token: await signIn(io, options) })
    try {
      return await work({ io, graph, isDry: options.dryRun === true, changes: [] }, { certificate, secretFile })
    } finally {
      graph.close()
    }
  } finally {
    secretFile?.close()
  }
}

/** No more than what this run does. */
function signIn(io: Io, options: RegistrationOptions): Promise<string> {
  const { tenant: tenantId, authorityHost, signInClientId: clientId } = options
  if (options.az) return azureCliToken(io, { tenantId, scope: `${graphResource(options.graphBaseUrl)}/.default` })
  const scopes = [
    'Application.ReadWrite.All',
    ...(options.adminConsent ? ['DelegatedPermissionGrant.ReadWrite.All'] : []),
  ]
  return deviceCodeToken(io, { authorityHost, tenantId, clientId, scope: scopes.join(' ') })
}
