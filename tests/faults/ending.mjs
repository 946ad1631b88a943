// What must be undone when this process ends, however it ends: newest first, and each whatever became of the
// others.

const steps = [];

export function atEnd(step) {
  steps.push(step);
}

process.on('exit', () => {
  for (const step of steps.reverse()) {
    try {
      step();
    } catch (error) {
      console.error(`could not be undone: ${error.message}`);
    }
  }
});
process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));
