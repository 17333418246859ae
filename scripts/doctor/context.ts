import type { Config } from '../../src/config/index.ts'
import type { Deployment } from '../shared/deployment.ts'
import type { Io } from '../shared/io.ts'
import type { Probe, ProbeResponse } from './probe.ts'

/** What is checked, and how to reach it. Documents are fetched once, however many checks read them. */
export interface Context {
  readonly io: Io
  /** Milliseconds since the epoch, by this machine's clock. */
  readonly now: () => number
  /** The variables to check; undefined where only a deployment is checked. */
  readonly env: Io['env'] | undefined
  /** The configuration that they make; undefined where it is invalid. */
  readonly config: Config | undefined
  readonly deployment: Deployment | undefined
  /** To the deployment. Accepts any certificate, which has a check of its own: nothing secret is sent this way. */
  readonly toDeployment: Probe
  /** To Entra and Graph. */
  readonly toMicrosoft: Probe
  /** Certificates of a private authority, as PEM; undefined: those of the machine. */
  readonly trusted: string | undefined
  /** The tenant and app, from the configuration or, without one, from the deployment. */
  readonly entra: () => Promise<Entra>
  /** Without a trailing slash. */
  readonly graphBaseUrl: string
  /** Whether an operator signs in to read the app registration. */
  readonly canReadRegistration: boolean
  /** The operator's token for Graph. @throws {OperatorError} */
  readonly operatorToken: () => Promise<string>
  /** An app registration by its client id. @throws {OperatorError} */
  readonly registration: (appId: string) => Promise<Registration>
  /** The response to POST /mcp without a token. */
  readonly challenge: () => Promise<ProbeResponse>
}

/** A tenant and its endpoints. */
export interface Entra {
  readonly authorityHost: string
  readonly tenantId: string
  /** The server's app, which is the API. */
  readonly clientId: string
  readonly discoveryUrl: string
  readonly issuer: string
  readonly keysUrl: string
  readonly tokenUrl: string
}

/** What is checked of an app registration and its grants. */
export interface Registration {
  readonly app: Application
  /** Delegated permissions of Graph that an administrator granted for everybody. */
  readonly granted: readonly string[]
  /** Names of Graph's delegated permissions, by id. */
  readonly graphPermissions: ReadonlyMap<string, string>
  readonly federated: readonly FederatedCredential[]
}

/** https://learn.microsoft.com/graph/api/resources/application */
export interface Application {
  readonly id: string
  readonly appId: string
  readonly identifierUris: readonly string[]
  readonly api: {
    readonly requestedAccessTokenVersion: number | null
    readonly oauth2PermissionScopes: readonly { readonly value: string; readonly isEnabled: boolean }[]
  }
  readonly web: { readonly redirectUris: readonly string[] }
  readonly spa: { readonly redirectUris: readonly string[] }
  readonly requiredResourceAccess: readonly {
    readonly resourceAppId: string
    readonly resourceAccess: readonly { readonly id: string }[]
  }[]
  readonly passwordCredentials: readonly { readonly hint: string | null; readonly endDateTime: string }[]
  readonly keyCredentials: readonly { readonly endDateTime?: string | null }[]
}

export interface FederatedCredential {
  readonly issuer: string
  readonly subject: string
}
