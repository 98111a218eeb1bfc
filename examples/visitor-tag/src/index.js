import { optionsFromScript } from './options.js';
import { createVisitorTag } from './tag.js';

const tag = createVisitorTag(typeof window === 'undefined' ? undefined : window);

export const { start, page, track, segment, segments, optOut, optIn } = tag;
export default tag;

// document.currentScript is null inside ES modules, so only the classic script starts itself.
const options = typeof document === 'undefined' ? null : optionsFromScript(document.currentScript);
if (options) start(options);
