// Cleanup steps that run when this process exits for any reason, in reverse order. A failing step does not prevent the
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
      console.error(`cleanup failed: ${error.message}`);
    }
  }
});
process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));
