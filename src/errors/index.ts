/** Every error that this server sends: the catalogue, `Failure`, and one file per wire format. */

export { type CatalogueEntry, catalogue, entryOf, isRetryable, type Reason } from './catalogue.ts'
export { bearerChallenge, type SignIn } from './challenge.ts'
export { Failure, type FailureDetails, failureText, toFailure, withWait } from './failure.ts'
export { httpError, jsonRpcError } from './json-rpc.ts'
export { oauthError, toOAuthFailure } from './oauth.ts'
export { pageText } from './page.ts'
