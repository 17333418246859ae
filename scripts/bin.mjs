#!/usr/bin/env node
// `message-center-ops` on the PATH, after `npm link`: the commands of `npm run ops`, from any folder.
import { register } from 'tsx/esm/api'

register()
await import('./ops.ts')
