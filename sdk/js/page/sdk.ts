// What the page uses of the SDK, as one value: the demo gives another one.

import type * as client from '../src/index';

/** The functions that begin a session and open devices. */
export type Sdk = Pick<typeof client, 'connect' | 'prejoin' | 'devices' | 'capture' | 'captureScreen'>;
