import type { TokenFlags } from '../sign-in/access-token.ts'
import { applicationChecks } from './application.ts'
import { deploymentClock, ownClock } from './clock.ts'
import { configuration } from './configuration.ts'
import { certificateFile, credential, signInCredential } from './credential.ts'
import {
  alive,
  authorizationServer,
  challenge,
  protectedResource,
  publicAddress,
  ready,
  sameConfiguration,
  securityHeaders,
} from './deployment.ts'
import { signingKeys, tenant } from './entra.ts'
import type { Check } from './examine.ts'
import { address, certificate, httpToHttps, tls } from './reach.ts'
import { reading } from './role.ts'

/** Every check, in the order of their dependencies. */
export const checksFor = (flags: TokenFlags): readonly Check[] => [
  configuration,

  address,
  tls,
  certificate,
  httpToHttps,
  alive,
  ready,
  protectedResource,
  authorizationServer,
  challenge,
  publicAddress,
  securityHeaders,
  sameConfiguration,

  tenant,
  signingKeys,
  ownClock,
  deploymentClock,
  certificateFile,
  credential,
  signInCredential,

  ...applicationChecks,

  reading(flags),
]
