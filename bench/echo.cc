// A bare echo of the service's own messages in C++, as bench/echo.py is in Python: parses the
// request, answers with a message prepared beforehand. Built and started by `bench.echo C++`.

#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>

#include <grpcpp/grpcpp.h>

#include "router/v1/channel_router.grpc.pb.h"

namespace {

class Echo final : public router::v1::ChannelRouter::CallbackService {
 public:
  explicit Echo(const router::v1::RecommendResponse& answer) : answer_(answer) {}

  grpc::ServerUnaryReactor* Recommend(grpc::CallbackServerContext* context,
                                      const router::v1::RecommendRequest*,
                                      router::v1::RecommendResponse* response) override {
    response->CopyFrom(answer_);
    auto* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  const router::v1::RecommendResponse& answer_;
};

}  // namespace

int main(int, char** words) {
  std::ifstream file(words[2], std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  router::v1::RecommendResponse answer;
  if (!answer.ParseFromString(bytes)) {
    std::cerr << words[2] << " is no RecommendResponse\n";
    return 2;
  }
  Echo echo(answer);
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:" + std::string(words[1]),
                           grpc::InsecureServerCredentials());
  builder.RegisterService(&echo);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  std::cout << "ready" << std::endl;
  server->Wait();
}
