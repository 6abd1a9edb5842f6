/* Compiles the model of the first argument to the second, by the C interface. */
#include <lutra-c/Compiler.h>

#include <stdio.h>

static void print(void *user, int severity, const char *text) {
  (void)user;
  (void)severity;
  printf("%s\n", text);
}

int main(int count, char **arguments) {
  if (count != 3)
    return 2;
  printf("version %s\n", lutra_version());
  const char *missing[] = {"missing.onnx", "-o", arguments[2]};
  printf("missing: %d\n", lutra_compile(3, missing, print, NULL, NULL));
  const char *flags[] = {arguments[1], "-o", arguments[2]};
  int code = lutra_compile(3, flags, print, NULL, NULL);
  printf("model: %d\n", code);
  return code;
}
