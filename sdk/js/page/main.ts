// The page of a session, on the SDK.

import * as sdk from '../src/index';
import {App} from './app';
import {expose} from './window';

const app = new App(sdk);
expose(app, sdk);
void app.begin();
