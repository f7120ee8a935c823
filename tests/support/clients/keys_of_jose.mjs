// Makes keys with jose, and with the Web Crypto API that it is built on; prints their JWKs, one on each line.
// The Web Crypto API writes no alg for an elliptic-curve key, and jose none at all: their documentation has the caller add it.
import { readFileSync } from 'node:fs'
import * as jose from 'jose'

for (const alg of JSON.parse(readFileSync(0, 'utf8'))) {
  const { privateKey } = await jose.generateKeyPair(alg, { extractable: true })
  console.log(JSON.stringify({ ...(await jose.exportJWK(privateKey)), alg, kid: 'my key' }))
  console.log(JSON.stringify({ ...(await crypto.subtle.exportKey('jwk', privateKey)), alg }))
}
