"""What a maintainer runs: generators and checks. Nothing here is packaged."""
